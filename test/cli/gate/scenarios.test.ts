import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadGateEntries } from '../../../src/cli/gate/scenarios.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-scenarios-'))
const [root, base] = [join(folder, 'head'), join(folder, 'base')]
afterAll(() => rmSync(folder, { recursive: true }))

describe('the scenarios of a gate', () => {
  it('find their files from where they are, in their own side', async () => {
    const http = { url: 'http://127.0.0.1:1', requests: './requests.csv', data: 'users.csv' }
    const text = JSON.stringify({ arrivals: '10/s', stop: { requests: 10 }, http })
    for (const side of [root, base]) {
      mkdirSync(join(side, 'load'), { recursive: true })
      writeFileSync(join(side, 'load/shop.throughline.mjs'), `export const shop = ${text}`)
      writeFileSync(join(side, 'load/stored.json'), text)
    }
    const repository = { root, folder: '', commit: null, branch: null, changes: 0 }
    const sides = { repository, base, ref: 'main' }
    const files = ['load/shop.throughline.mjs', 'load/stored.json']
    const entries = await loadGateEntries(files, sides, (scenario) => Promise.resolve(scenario))
    expect(entries.map(({ name }) => name)).toEqual(['shop', 'stored'])
    for (const { head, base: other } of entries) {
      for (const [side, scenario] of [[root, head] as const, [base, other] as const]) {
        expect(scenario).toMatchObject({
          http: { requests: join(side, 'load/requests.csv'), data: join(side, 'load/users.csv') },
        })
      }
    }
  })
})

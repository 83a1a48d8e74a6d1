import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bannedIn } from './banned.js'
import { listMessages } from './messages.js'

const repository = resolve(import.meta.dirname, '../..')
const CHECKED = 'src test bench examples scripts docs README.md CONTRIBUTING.md CHANGELOG.md'.split(' ')
const EXEMPT = ['test/language', 'examples/traces/azure-llm-code-2023.csv']

function filesIn(path: string): string[] {
  const at = join(repository, path)
  if (!existsSync(at) || EXEMPT.includes(path)) return []
  if (!statSync(at).isDirectory()) return /\.(ts|js|mjs|md|txt|json)$/.test(path) ? [path] : []
  return readdirSync(at).flatMap((name) => filesIn(`${path}/${name}`))
}

describe('the language', () => {
  // `npx vitest run test/language -u` updates the list: read it as a whole when messages change
  it('of messages is proof-read in one list', async () => {
    await expect(listMessages(join(repository, 'src'))).toMatchFileSnapshot('messages.txt')
  })

  it('has no banned phrases', () => {
    const found = CHECKED.flatMap(filesIn).flatMap((file) =>
      bannedIn(readFileSync(join(repository, file), 'utf8')).map((each) => `${file}:${each}`),
    )
    expect(found).toEqual([])
  })

  it('check finds phrases in any case and names the plain word', () => {
    expect(bannedIn('One line.\nSeldom is it carried by whoever\nan HTTP request carries headers')).toEqual([
      '2: "Seldom" (write: rarely)',
      '2: "whoever" (write: users, callers, clients)',
      '2: "carried" (write: sustain, hold, capacity)',
    ])
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { affine, type Budget, checkBudget, createRecorder, exponential, simulate } from '../../src/index.js'
import { throughline } from '../support/processes/command-line.js'

const result = simulate({
  arrivals: '50/s',
  service: affine({ base: '10ms', variation: exponential() }),
  stop: { requests: 100_000 },
})

let folder: string
const check = async (budget: unknown, ...flags: string[]) => {
  const file = join(folder, `${Math.random()}.json`)
  await writeFile(file, JSON.stringify(budget))
  return throughline('check', join(folder, 'result.json'), '--budget', file, ...flags)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-'))
  await writeFile(join(folder, 'result.json'), JSON.stringify(result))
})
afterAll(() => rm(folder, { recursive: true }))

describe.concurrent('throughline check', () => {
  it('checks a result of a live service', async () => {
    let nowMs = 0
    const recorder = createRecorder({ clock: () => nowMs })
    for (let i = 0; i < 20_000; i++) {
      const start = recorder.start()
      nowMs += 1 + (i % 10) / 10
      recorder.record(start)
    }
    const file = join(folder, 'recorded.json')
    await writeFile(file, JSON.stringify(recorder.snapshot()))
    await writeFile(join(folder, 'recorded-budget.json'), JSON.stringify({ p99: '3ms', throughput: '> 500/s' }))
    const { code, stdout } = await throughline('check', file, '--budget', join(folder, 'recorded-budget.json'))
    expect(stdout).toMatch(/Budget kept: 3 rules/)
    expect(code).toBe(0)
  })

  it.each<[Budget, number, RegExp]>([
    [{ p99: '150ms' }, 0, /Budget kept: 2 rules/],
    [{ p99: '50ms' }, 1, /Budget broken: 1 of 2 rules fails[\s\S]* p99 +<= 50 ms .* fail[\s\S]*Where the time went/],
    [
      { p99: '94ms' },
      3,
      /Budget undecided: 1 of 2 rules is inconclusive[\s\S]*p99:\s+run\s+longer:\s+about\s+[\d,]+\s+requests/,
    ],
  ])('%j exits with code %i', async (budget, code, message) => {
    const ended = await check(budget)
    expect(ended).toMatchObject({ code, stderr: '' })
    expect(ended.stdout).toMatch(message)
  })

  it('prints only JSON with --json', async () => {
    const budget: Budget = { p97: '50ms', throughput: '40/s' }
    const { code, stdout, stderr } = await check(budget, '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(stdout)).toEqual(checkBudget(result, budget))
  })

  it.each([
    [{}, /\.json: must limit at least one metric/],
    [{ p99: '5/s' }, /\.json: p99: must be a time/],
    [{ p9999: 5 }, /write 'p99\.99'/],
  ])('reports what is wrong with %j', async (budget, message) => {
    const { code, stdout, stderr } = await check(budget)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})

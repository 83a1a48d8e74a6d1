import { describe, expect, it } from 'vitest'
import { conclude, judgeSender } from '../../../src/explore/limit/agents-needed.js'
import { findCapacity, type MeasuredCapacity } from '../../../src/explore/limit/measure-capacity.js'
import { agentsNeeded, type Counts, closed, type Result, replay, type Scenario, simulate } from '../../../src/index.js'
import { filesIn, portsIn } from '../../../src/machine/connections.js'
import { renderAgentsNeeded } from '../../../src/report/terminal/agents-table.js'
import type { Finding } from '../../../src/result/validity.js'

/** A run of a target that answers in 20 ms. */
function runAt(rate: number): Result {
  const result =
    made.get(rate) ?? simulate({ arrivals: rate, service: '20ms', servers: 1000, stop: { duration: '2s' } })
  made.set(rate, result)
  return result
}
/** Each is made once. */
const made = new Map<number, Result>()
const withError = (result: Result, code: Finding['code']): Result => ({
  ...result,
  validity: { valid: false, findings: [{ code, severity: 'error', message: 'as scripted', figures: {} }] },
})
/** The same, with a p95 of latency that is this much longer than from the send. */
const sentLate = (result: Result, byMs: number): Result => ({
  ...result,
  fromSendMs: result.latencyMs,
  latencyMs: { ...result.latencyMs, p95: result.latencyMs.p95 + byMs },
})

/** Searches on a machine that sends up to `most` requests a second on time. */
async function search(most: number, highest: number, beyond = (result: Result) => sentLate(result, 30)) {
  let nowMs = 0
  return findCapacity(
    async ({ rate, lengthMs }) => {
      nowMs += lengthMs
      return rate > most ? beyond(runAt(rate)) : sentLate(runAt(rate), 1)
    },
    { from: 100, most: highest, atMostMs: 60_000, requests: 660, judge: judgeSender, now: () => nowMs },
  )
}
const limits = { ports: 28_232, files: 1024 }

describe('how many agents a load needs', () => {
  it('is computed from the highest load that this machine sent on time', async () => {
    const found = conclude(await search(3000, 50_000 / 0.7), 50_000, null, limits)
    const { rate, limit } = found.search
    expect(rate).toBeLessThanOrEqual(3000)
    expect(rate).toBeGreaterThan(2850)
    expect(limit?.rate).toBeGreaterThan(3000)
    expect(found).toMatchObject({ limitedBy: 'late', load: 50_000 })
    // 50,000 / (0.7 x 3,000) = 23.8
    expect(found.fewest).toBeLessThanOrEqual(24)
    expect(found.agents).toBeGreaterThanOrEqual(24)
    expect(found.agents).toBe(Math.ceil(50_000 / (0.7 * (rate as number))))
    expect(found.each?.rate).toBeCloseTo(50_000 / (found.agents as number), 9)
    // Little: 20 ms each
    expect(found.each?.inFlight).toBeCloseTo(0.02 * (found.each?.rate as number), 6)
    expect(renderAgentsNeeded(found)).toMatch(/^ 2[4-6] agents like this machine for 50,000\/s/)
  })

  it('is one if this machine sends the load with a third to spare, and it never sends more', async () => {
    const found = conclude(await search(1e9, 1400 / 0.7), 1400, null, limits)
    expect(found).toMatchObject({ agents: 1, fewest: null, limitedBy: 'none', each: { rate: 1400 } })
    expect(Math.max(...found.search.tried.map(({ rate }) => rate))).toBeCloseTo(2000, 9)
    expect(renderAgentsNeeded(found)).toMatch(/^ 1 agent like this machine for 1,400\/s/)
  })

  it('is an upper bound if the target was the limit', async () => {
    const found = conclude(
      await search(500, 10_000 / 0.7, (result) => withError(result, 'saturated')),
      10_000,
      null,
      limits,
    )
    expect(found.limitedBy).toBe('target')
    expect(renderAgentsNeeded(found)).toMatch(/^ At most \d+ agents like this machine for 10,000\/s/)
  })

  it('is not known if nothing was sent on time', async () => {
    const found = conclude(await search(0, 10_000 / 0.7), 10_000, null, limits)
    expect(found).toMatchObject({ agents: null, each: null, limitedBy: 'late' })
    expect(renderAgentsNeeded(found, { width: 120 })).toContain('is unknown: this machine sent no load on time')
  })

  it('is larger if connections take more files than one machine may open', async () => {
    const found = await search(1e9, 1400 / 0.7)
    const slow = {
      ...found,
      result: { ...(found.result as Result), serviceMs: { ...runAt(100).serviceMs, mean: 2000 } },
    }
    // 2,800 requests in flight, and 70 % of 1,024 files
    expect(conclude(slow as MeasuredCapacity, 1400, null, limits).agents).toBe(4)
    expect(conclude(slow as MeasuredCapacity, 1400, 50, limits).agents).toBe(1)
  })

  it('blames this machine if the p95 of latency moved by 2 ms, or by a fifth if that is longer', () => {
    const run = runAt(200) // 20 ms each
    expect(judgeSender(sentLate(run, 4.9))).toMatchObject({ verdict: 'pass', cause: null })
    expect(judgeSender(sentLate(run, 5.1))).toMatchObject({
      verdict: 'fail',
      cause: 'machine',
      reason: 'requests were sent late, which raised p95 latency from 20 ms to 25.1 ms',
    })
    const fast = simulate({ arrivals: '200/s', service: '1ms', servers: 1000, stop: { duration: '2s' } })
    expect(judgeSender(sentLate(fast, 1.9)).cause).toBeNull()
    expect(judgeSender(sentLate(fast, 2.1)).cause).toBe('machine')
  })

  it.each([
    ['saturated', 'saturation'],
    ['cut-off', 'errors'],
    // it is about any percentile
    ['event-loop-late', null],
  ] as const)('judges the error %s: %s', (code, cause) => {
    expect(judgeSender(withError(runAt(200), code)).cause).toBe(cause)
  })

  it('blames failures on the target, or on this machine if it can open no more connections', () => {
    const scenario = { arrivals: '200/s', service: '20ms', queue: { capacity: 0 }, stop: { duration: '2s' } }
    const refused = simulate(scenario)
    expect(judgeSender(refused)).toMatchObject({ verdict: 'fail', cause: 'errors' })
    // the same requests, failed
    const failed = (counts: Counts) => ({ ...counts, failed: counts.rejected, rejected: 0 })
    const failing = (kind: string): Result => ({
      ...refused,
      counts: failed(refused.counts),
      segments: refused.segments.map((segment) => ({ ...segment, counts: failed(segment.counts) })),
      rates: { ...refused.rates, rejection: 0 },
      failures: { [kind]: refused.counts.rejected },
    })
    expect(judgeSender(failing('status 503'))).toMatchObject({ verdict: 'fail', cause: 'errors' })
    expect(judgeSender(failing('EADDRNOTAVAIL'))).toMatchObject({ verdict: 'fail', cause: 'machine' })
  })

  it('is measured on a server of its own if there is no target', async () => {
    const { load, agents, search } = await agentsNeeded({ arrivals: '100/s' }, { atMost: '1s' })
    expect(load).toBe(100)
    // not above what one agent needs to be able to send, on any machine: 100/s and the third to spare
    expect(search.tried.every(({ rate }) => rate < 150)).toBe(true)
    expect(agents === null).toBe(search.rate === null)
  })

  it.each([
    [
      { arrivals: closed({ clients: 2 }) },
      {},
      'arrivals: must be a process with a rate, or stages; closed has no rate',
    ],
    [{ arrivals: replay([0, 1]) }, {}, 'arrivals: must be a process with a rate, or stages; replay has no rate'],
    [{ arrivals: '10/s', call: () => {} }, {}, 'agents: send http scenarios only'],
    [{ arrivals: '10/s' }, { atMost: 0 }, 'options.atMost: must be a duration'],
  ] as [Scenario, object, string][])('refuses %#', async (scenario, options, message) => {
    await expect(agentsNeeded(scenario, options)).rejects.toThrow(message)
  })
})

describe('the limits of connections', () => {
  it('are read from Linux', () => {
    expect(portsIn('32768\t60999\n')).toBe(28_232)
    expect(portsIn(null)).toBeNull()
    expect(filesIn('Max processes  63704  63704  processes\nMax open files            1024    524288    files\n')).toBe(
      1024,
    )
    expect(filesIn('Max open files            unlimited    unlimited    files\n')).toBeNull()
  })
})

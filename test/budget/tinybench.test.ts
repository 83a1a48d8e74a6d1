import { Bench } from 'tinybench'
import { describe, expect, it } from 'vitest'
import { checkBudget, fromTinybench, summarizeRuns, ValidationError } from '../../src/index.js'
import { drawExponential } from '../../src/random/exponential.js'
import { stream } from '../../src/random/stream.js'

async function ran(retainSamples: boolean) {
  const bench = new Bench({ iterations: 20, time: 0, warmup: false, retainSamples })
  bench.add('parse', () => JSON.parse('[1, 2, 3]'))
  await bench.run()
  return bench
}

describe('fromTinybench', () => {
  it('accepts tasks and their results, in milliseconds', async () => {
    const bench = await ran(true)
    const [task] = bench.tasks
    const [result] = bench.results
    if (task === undefined || result?.state !== 'completed') throw new Error('the bench has not run')
    const summary = fromTinybench([task, result, result.latency, [...(result.latency.samples ?? [])]])
    expect(summary.count).toBe(4 * result.latency.samplesCount)
    expect(summary.mean).toBeCloseTo(result.latency.mean, 5)
    expect(summary.max).toBeCloseTo(result.latency.max, 5)
  })

  it('rejects results without samples and explains how to retain them', async () => {
    const { results } = await ran(false)
    expect(() => fromTinybench(results)).toThrow(ValidationError)
    expect(() => fromTinybench(results)).toThrow(/^runs\[0\]: must hold samples: .*retainSamples: true/)
    const notRun = new Bench().add('parse', () => 1)
    expect(() => fromTinybench(notRun.tasks)).toThrow(/must hold samples/)
    // the form of vitest's bench without samples
    expect(() => fromTinybench([{ samples: [] }])).toThrow(/benchmark\.includeSamples/)
    expect(() => fromTinybench([])).toThrow(/^runs: must hold at least one run/)
  })
})

describe('intervals from runs', () => {
  const random = stream(9, 'runs')
  /** Runs with different means, as on a machine of changing speed. */
  const runsOf = (times: number) =>
    Array.from({ length: times }, () => {
      const level = 0.9 + 0.2 * random.uniform()
      return Array.from({ length: 1000 }, () => level * drawExponential(random))
    })

  it('cover the true value at their level if runs differ', () => {
    let covered = 0
    for (let i = 0; i < 100; i++) {
      const { low, high } = summarizeRuns(runsOf(8)).intervals.p95
      const exact = Math.log(20)
      if ((low as number) <= exact && exact <= (high as number)) covered++
    }
    // three standard errors of 100 runs
    expect(covered / 100).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / 100))
  })

  it('decide a budget, or give the reason if they cannot', () => {
    const summary = summarizeRuns(runsOf(6))
    expect(checkBudget(summary, { p95: '4ms', mean: '< 1.2ms' }).verdict).toBe('pass')
    expect(checkBudget(summary, { p95: '2ms' }).verdict).toBe('fail')
    expect(checkBudget(summary, { 'p99.9': '1h' }).rules[0]?.reason).toMatch(/p99\.9 needs 5,000 values in each run/)
    expect(checkBudget(summarizeRuns(runsOf(4)), { mean: '1h' }).rules[0]?.reason).toMatch(
      /at least 5 runs are needed, and there are 4/,
    )
  })
})

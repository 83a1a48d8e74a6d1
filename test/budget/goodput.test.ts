import { describe, expect, it } from 'vitest'
import { affine, checkBudget, exponential, type Result, type Scenario, simulate } from '../../src/index.js'

const service = affine({ base: '10ms', variation: exponential() })
const halfBusy: Scenario = { arrivals: '50/s', service, good: { latency: 20 }, stop: { requests: 100_000 } }
// of M/M/1 at 50 % load, latency is exponential of mean 20 ms
const exact = 1 - Math.exp(-1)

const checkOf = (result: Result, limit: string | number) => {
  const [rule] = checkBudget(result, { goodput: limit, errorRate: '100%' }).rules
  if (rule === undefined) throw new Error('no rule')
  return rule
}
/** With a finding of a run that was valid without it. */
const withFinding = (result: Result, code: 'saturated' | 'cut-off' | 'machine-unsteady' | 'littles-law'): Result => {
  const severity = code === 'machine-unsteady' ? 'warning' : 'error'
  const findings = [{ code, severity, message: code, figures: {} } as const]
  return { ...result, validity: { valid: severity !== 'error', findings } }
}

describe('a limit on goodput', () => {
  const result = simulate(halfBusy)

  it('is a lower one by default, and judged by the bounds of a fraction', () => {
    expect(checkOf(result, exact - 0.03)).toMatchObject({ relation: '>=', verdict: 'pass', unit: 'fraction' })
    expect(checkOf(result, exact + 0.03)).toMatchObject({ verdict: 'fail', interval: result.goodput?.interval })
    expect(checkOf(result, result.goodput?.fraction as number).verdict).toBe('inconclusive')
    expect(checkOf(result, `<= ${(100 * (exact + 0.03)).toFixed(1)}%`).verdict).toBe('pass')
  })

  it('of all requests is judged as observed', () => {
    expect(checkOf(result, '100%')).toMatchObject({ interval: null, verdict: 'fail' })
    expect(checkOf(simulate({ ...halfBusy, good: { latency: '1h' } }), '100%').verdict).toBe('pass')
  })

  it('is inconclusive without good, and says so', () => {
    const { good: _, ...scenario } = halfBusy
    expect(checkOf(simulate(scenario as Scenario), '90%')).toMatchObject({
      observed: null,
      verdict: 'inconclusive',
      reason: "the scenario does not say which requests are good: set its good, such as { latency: '100ms' }",
    })
  })

  it('is affected by findings as a limit on latency is', () => {
    const [low, high] = [exact - 0.03, exact + 0.03]
    expect(checkOf(withFinding(result, 'cut-off'), low)).toMatchObject({ verdict: 'inconclusive' })
    expect(checkOf(withFinding(result, 'cut-off'), high).verdict).toBe('fail')
    expect(checkOf(withFinding(result, 'littles-law'), low).verdict).toBe('inconclusive')
    expect(checkOf(withFinding(result, 'littles-law'), high).verdict).toBe('inconclusive')
    // the machine may only have made requests slower
    expect(checkOf(withFinding(result, 'machine-unsteady'), low).verdict).toBe('pass')
    const best = Math.max(...result.segments.map(({ counts }) => (counts.good as number) / counts.offered))
    expect(checkOf(withFinding(result, 'machine-unsteady'), exact + 0.5 * (best - exact))).not.toMatchObject({
      verdict: 'fail',
    })
    expect(checkOf(withFinding(result, 'machine-unsteady'), 0.99).verdict).toBe('fail')
  })

  it('is failed by a saturated run, whatever was good before the backlog grew, if it limits what grows', () => {
    const over = simulate({ ...halfBusy, arrivals: '101/s', good: { latency: '2s' }, stop: { requests: 50_000 } })
    expect(over.validity.findings.map(({ code }) => code)).toContain('saturated')
    expect(over.goodput?.interval).toMatchObject({ low: null, high: null })
    expect(over.goodput?.fraction).toBeGreaterThan(0)
    expect(checkOf(over, '1%')).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('cannot sustain') })
  })
})

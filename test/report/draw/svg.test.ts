import { affine, type Result, type Scenario, simulate, sweep, ValidationError } from 'throughline'
import { figuresOf, renderSweepSvg, renderTradeOffSvg, spreadOf, type TradeOffRow } from 'throughline/report'
import { describe, expect, it } from 'vitest'
import { marksOf } from '../../support/expect/svg-marks.ts'

const scenario: Scenario = {
  arrivals: '800/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxWait: '5ms' },
  stop: { requests: 30_000 },
}
const PERCENTILES = ['p50', 'p90', 'p95', 'p99'] as const

describe('a sweep drawn', () => {
  it('has the exact figures of every run, with their intervals', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 8, 16, 64] })
    const marks = marksOf(renderSweepSvg(swept))
    for (const { point, result } of swept.slice(1)) {
      for (const name of PERCENTILES) {
        const { low, high } = result.latencyMs.intervals[name]
        const [mark, ...more] = marks.filter(({ data }) => data.k === name && data.x === String(point.maxBatchSize))
        expect(more).toEqual([])
        expect(Number(mark?.data.v)).toBe(result.latencyMs[name])
        expect(mark?.data.low).toBe(low === null ? undefined : String(low))
        expect(mark?.data.high).toBe(high === null ? undefined : String(high))
        expect(mark?.says).toContain(`${name} at batch size ${point.maxBatchSize}, simulated: `)
      }
    }
    // a batch of b takes 7.5 + 0.25 b ms
    const capacity = marks.filter(({ data }) => data.k === 'capacity').map(({ data }) => Number(data.v))
    expect(capacity).toHaveLength(4)
    capacity.forEach((each, i) => {
      const size = [1, 8, 16, 64][i] as number
      expect(each).toBeCloseTo((1000 * size) / (7.5 + 0.25 * size), 6)
    })
    const completed = marks.filter(({ data }) => data.k === 'completed')
    expect(completed.map(({ data }) => Number(data.v))).toEqual(swept.map(({ result }) => result.throughput.completed))
  })

  it('draws latencies on a logarithmic scale', async () => {
    const marks = marksOf(renderSweepSvg(await sweep(scenario, { maxBatchSize: [8, 16, 64] })))
    const drawn = marks.filter(({ data }) => PERCENTILES.some((name) => name === data.k))
    expect(drawn).toHaveLength(12)
    // the shortest and the longest set the scale, and all others have to lie on it
    const [a, b] = [drawn.toSorted((a, b) => a.y - b.y).at(-1), drawn.toSorted((a, b) => a.y - b.y)[0]] as [
      (typeof drawn)[0],
      (typeof drawn)[0],
    ]
    const slope = (b.y - a.y) / Math.log(Number(b.data.v) / Number(a.data.v))
    expect(slope).toBeLessThan(0)
    for (const { data, y } of drawn) {
      expect(Math.abs(a.y + slope * Math.log(Number(data.v) / Number(a.data.v)) - y)).toBeLessThan(0.5)
    }
  })

  it('draws no latency for an overloaded run, and labels the area', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 2, 16] })
    const svg = renderSweepSvg(swept)
    const marks = marksOf(svg)
    expect(marks.filter(({ data }) => data.k === 'p99').map(({ data }) => data.x)).toEqual(['16'])
    expect(marks.find(({ data }) => data.k === 'overloaded')).toMatchObject({ says: '1, 2: overloaded at 800/s' })
    const [overrun] = marks.filter(({ data }) => data.k === 'completed' && data.x === '1')
    expect(overrun?.data).toMatchObject({ validity: 'overloaded' })
    // what was seen of an overload is no estimate of anything
    expect(overrun?.data.low).toBeUndefined()
  })

  it('draws a sweep in which every run is overloaded', async () => {
    const svg = renderSweepSvg(await sweep({ ...scenario, arrivals: '90000/s' }, { maxBatchSize: [1, 2, 4] }))
    expect(svg).toContain('overloaded at 90,000/s')
    expect(svg).not.toMatch(/NaN|Infinity|undefined|null/)
  })

  it('draws one run, values that are no numbers, and a figure for each value of a second field', async () => {
    const one = renderSweepSvg(await sweep(scenario, { maxBatchSize: [16] }))
    expect(marksOf(one).filter(({ data }) => data.k === 'p99')).toHaveLength(1)
    const two = renderSweepSvg(await sweep(scenario, { maxBatchSize: [16, null], maxWait: [0, '5ms'] }))
    for (const text of ['no limit', 'max wait 0', 'max wait 5ms']) expect(two).toContain(`>${text}<`)
    for (const svg of [one, two]) expect(svg).not.toMatch(/NaN|Infinity|undefined|null/)
  })

  it('draws a truncated run as a lower bound, and crosses out an invalid one', async () => {
    const result = simulate({ ...scenario, batching: { maxBatchSize: 16, maxWait: '5ms' } })
    const found = (code: 'cut-off' | 'littles-law' | 'interrupted'): Result => ({
      ...result,
      validity: { valid: false, findings: [{ code, severity: 'error', message: 'so it is', figures: {} }] },
    })
    const svg = renderSweepSvg([
      { point: { maxBatchSize: 8 }, result: found('cut-off') },
      { point: { maxBatchSize: 16 }, result: found('littles-law') },
      { point: { maxBatchSize: 32 }, result: found('interrupted') },
    ])
    const [truncated, invalid, interrupted] = marksOf(svg).filter(({ data }) => data.k === 'p99')
    expect(truncated?.says).toMatch(/^p99 at batch size 8, simulated: at least .*; so it is$/)
    expect(truncated?.data.validity).toBe('truncated')
    expect(invalid?.says).toContain('littles-law: so it is')
    expect(invalid?.data.validity).toBe('invalid')
    // what was served until then was served to its end: a part of the run, and no bound of it
    expect(interrupted?.data.validity).toBe('invalid')
    expect(interrupted?.says).toContain('interrupted: so it is')
    expect(svg).toContain('class="cross"')
  })

  it('shows why there is no interval', () => {
    const result = simulate({ ...scenario, stop: { requests: 300 }, batching: { maxBatchSize: 16, maxWait: '5ms' } })
    const [p99] = marksOf(renderSweepSvg([{ point: { maxBatchSize: 16 }, result }])).filter(
      ({ data }) => data.k === 'p99',
    )
    expect(p99?.data.low).toBeUndefined()
    expect(p99?.says).toContain(`no interval: ${result.latencyMs.intervals.p99.reason?.slice(0, 20)}`)
  })

  it('escapes foreign text', async () => {
    const [run] = await sweep(scenario, { maxBatchSize: [16] })
    const result = run?.result as Result
    const name = '<script>alert(1)</script>"\'&\u001b[31m\u202e\ud800'
    const svg = renderSweepSvg([{ point: { [name]: name, __proto__: 1 }, result }], { title: name })
    expect(svg).not.toContain('<script')
    expect(svg).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;␛[31m\ufffd\ufffd')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must be absent
    expect(svg).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/)
  })

  it('draws measured points over the simulated curve of the same values', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [8, 16] })
    // what a measurement gives has the same shape
    const measured = swept.map(({ point, result }) => ({ point, result: { ...result, engine: 'measure' as const } }))
    const svg = renderSweepSvg([...swept, ...measured])
    const p99s = marksOf(svg).filter(({ data }) => data.k === 'p99')
    expect(p99s.map(({ data }) => data.engine)).toEqual(['simulated', 'simulated', 'measured', 'measured'])
    expect(p99s[2]?.x).toBe(p99s[0]?.x)
    for (const text of ['simulated, with 95 % intervals', 'measured, with 95 % intervals']) expect(svg).toContain(text)
  })

  it('rejects an empty sweep', () => {
    expect(() => renderSweepSvg([])).toThrow(ValidationError)
    expect(() => renderTradeOffSvg([], { offeredPerSec: 1 })).toThrow('at least one batch size')
  })
})

describe('a trade-off drawn', () => {
  it('has measured medians with the range of their rounds over the simulated figures', () => {
    const predicted = figuresOf(simulate({ ...scenario, batching: { maxBatchSize: 16, maxWait: '5ms' } }))
    if (predicted === 'overloaded') throw new Error('overloaded')
    const measured = Object.fromEntries(
      Object.entries(predicted).map(([name, value]) => [name, spreadOf([value, 0.9 * value, 1.2 * value])]),
    ) as TradeOffRow['measured']
    const rows: TradeOffRow[] = [
      { batchSize: 1, capacityPerSec: 129, measured: 'overloaded', predicted: 'overloaded' },
      { batchSize: 16, capacityPerSec: 1391, measured, predicted },
    ]
    const svg = renderTradeOffSvg(rows, { offeredPerSec: 800, rounds: 3 })
    const p99s = marksOf(svg).filter(({ data }) => data.k === 'p99')
    expect(p99s.map(({ data }) => [data.engine, Number(data.v)])).toEqual([
      ['simulated', predicted.p99],
      ['measured', predicted.p99],
    ])
    expect(Number(p99s[1]?.data.low)).toBe(0.9 * predicted.p99)
    expect(Number(p99s[1]?.data.high)).toBe(1.2 * predicted.p99)
    expect(svg).toContain('measured, with the range of 3 rounds')
  })
})

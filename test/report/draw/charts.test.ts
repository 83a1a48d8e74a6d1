import { percentile, summarize } from 'throughline'
import { describe, expect, it } from 'vitest'
import { binSizes } from '../../../src/report/draw/batch-sizes.ts'
import { spreadLabels } from '../../../src/report/draw/elements/frame.ts'
import { shorten, stripCommonWords } from '../../../src/report/draw/elements/label.ts'
import { positionsOf } from '../../../src/report/draw/elements/positions.ts'
import { exactLogScale, linearScale, logScale } from '../../../src/report/draw/elements/scale.ts'
import { type FrontierPoint, findFrontier } from '../../../src/report/draw/frontier.ts'
import { decodeSteps } from '../../../src/report/draw/percentile-curve.ts'

describe('the percentile curve', () => {
  it('has the steps that percentiles are read from', () => {
    const summary = summarize([100, 102, 100, 100, 99, 104, 110, 90, 3000, 95])
    const steps = decodeSteps(summary)
    expect(steps.map(({ upTo }) => upTo)).toEqual([0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9, 1])
    for (const { ms, upTo } of steps) expect(percentile(summary, 100 * upTo)).toBe(ms)
    expect(steps.at(-1)?.ms).toBe(3000)
  })
})

describe('the frontier', () => {
  const at = (throughput: number, value: number, validity: FrontierPoint['validity'] = 'valid'): FrontierPoint => ({
    ...{ label: '', throughput, validity },
    latency: { value, low: null, high: null },
  })

  it('holds the valid points that no other beats on both counts', () => {
    const points = [at(100, 5), at(200, 5), at(300, 9), at(250, 10), at(400, 8, 'invalid'), at(50, 4)]
    expect(findFrontier(points)).toEqual([points[5], points[1], points[2]])
    expect(findFrontier([])).toEqual([])
    // two equal points do not beat each other
    expect(findFrontier([at(1, 1), at(1, 1)])).toHaveLength(2)
  })
})

describe('batch sizes', () => {
  it('are counted one by one, or grouped if there are too many', () => {
    expect(binSizes({ count: 3, meanSize: 3, sizes: { 2: 1, 10: 2 } })).toEqual([
      { from: 2, to: 2, batches: 1 },
      { from: 10, to: 10, batches: 2 },
    ])
    const sizes = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i + 1, 1]))
    const bins = binSizes({ count: 1000, meanSize: 500.5, sizes })
    expect(bins.length).toBeLessThanOrEqual(24)
    expect(bins.reduce((sum, { batches }) => sum + batches, 0)).toBe(1000)
    expect(bins[0]?.from).toBe(1)
    expect(bins.at(-1)?.to).toBe(1000)
    bins.slice(1).forEach(({ from }, i) => {
      expect(from).toBe((bins[i]?.to as number) + 1)
    })
  })
})

describe('scales', () => {
  it('put equal ratios at equal distances, with ticks at round values', () => {
    const scale = logScale([3, 70], [200, 0])
    expect(scale.domain).toEqual([2, 100])
    expect(scale.ticks).toEqual([2, 5, 10, 20, 50, 100])
    expect(scale.at(4) - scale.at(2)).toBeCloseTo(scale.at(80) - scale.at(40), 9)
    // what has no logarithm stands at the low end
    expect(scale.at(0)).toBe(scale.at(2))
    expect(logScale([0], [200, 0]).at(0)).toBe(200)
    expect(logScale([1e-3, 1e9], [200, 0]).ticks.length).toBeLessThanOrEqual(8)
  })

  it('start at 0, even without values', () => {
    expect(linearScale([0, 0], [200, 0]).domain[0]).toBe(0)
    expect(linearScale([], [200, 0]).at(0)).toBe(200)
    expect(exactLogScale([1, 1000], [0, 300], []).at(1e9)).toBe(300)
  })

  it('place numbers by their ratios where they are wide apart, and others in order', () => {
    const places = (...values: (number | null)[]) => values.map((at) => ({ label: String(at), at }))
    const wide = positionsOf(places(1, 2, 4, 64), [0, 400])
    expect(wide.at('2') - wide.at('1')).toBeCloseTo(wide.at('4') - wide.at('2'), 9)
    const narrow = positionsOf(places(2, 3, 6), [0, 400])
    expect(narrow.at('6') - narrow.at('3')).toBeCloseTo(3 * (narrow.at('3') - narrow.at('2')), 9)
    const mixed = positionsOf(places(8, null, 2), [0, 400])
    expect(mixed.ticks.map(({ label }) => label)).toEqual(['8', 'null', '2'])
    const [from, to] = mixed.around('null')
    expect(from).toBeLessThan(mixed.at('null'))
    expect(to).toBeGreaterThan(mixed.at('null'))
  })
})

describe('labels of lines', () => {
  it('are moved apart, in their order, as little as can be', () => {
    expect(spreadLabels([10, 100], 20)).toEqual([10, 100])
    const moved = spreadLabels([50, 52, 51, 200], 20)
    const sorted = [...moved].sort((a, b) => a - b)
    sorted.slice(1).forEach((height, i) => {
      expect(height - (sorted[i] as number)).toBeGreaterThan(19.9)
    })
    expect((moved[0] as number) < (moved[2] as number) && (moved[2] as number) < (moved[1] as number)).toBe(true)
    expect(moved[3]).toBe(200)
    const box = { left: 0, right: 9, top: 40, bottom: 240 }
    expect(Math.min(...spreadLabels([45, 46, 47], 20, box))).toBeGreaterThanOrEqual(40)
  })

  it('omit the words that they share', () => {
    expect(stripCommonWords(['batch size 8', 'batch size 16'])).toEqual(['8', '16'])
    expect(stripCommonWords(['run 1 of a', 'run 2 of a'])).toEqual(['1', '2'])
    expect(stripCommonWords(['a', 'a b'])).toEqual(['a', 'a b'])
    expect(stripCommonWords(['same', 'same'])).toEqual(['same', 'same'])
    expect(stripCommonWords(['alone here'])).toEqual(['alone here'])
    expect(shorten('🙂🙂🙂🙂', 3)).toBe('🙂🙂…')
  })
})

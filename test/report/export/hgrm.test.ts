import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { expect, it } from 'vitest'
import { percentile, summarize } from '../../../src/index.js'
import { renderHgrm } from '../../../src/report/export/hgrm.js'
import { result } from '../../support/results/example-result.js'

/** Reads the lines of figures, as a plotter does. */
const read = (text: string) =>
  text
    .split('\n')
    .filter((line) => /^ *\d/.test(line))
    .map((line) => line.trim().split(/ +/).map(Number) as [number, number, number, number?])

it.each([
  ['of thousands', result.latencyMs],
  ['of nanoseconds', summarize([1e-6, 2e-6, 0.0123, 0.5])],
  ['of one value', summarize([3])],
])('a distribution %s has the percentiles that its summary has', (_, summary) => {
  const lines = read(renderHgrm(summary))
  expect(lines.length).toBeGreaterThanOrEqual(2)
  for (const [ms, fraction, , beyond] of lines) {
    if (fraction > 0) expect(ms).toBeCloseTo(percentile(summary, 100 * fraction), 6)
    expect(beyond ?? Infinity).toBeCloseTo(1 / (1 - fraction), 1)
  }
  expect(lines.at(-1)?.slice(0, 3)).toEqual([summary.max, 1, summary.count])
})

it('equals the output of hdr-histogram-js, with more digits', () => {
  const theirs = decodeFromCompressedBase64(result.latencyMs.histogram, 64).outputPercentileDistribution(5, 1e6)
  const ours = renderHgrm(result.latencyMs)
  const [a, b] = [read(theirs), read(ours)]
  expect(b.length).toBe(a.length)
  for (const [i, [ms, ...rest]] of b.entries()) {
    expect(rest[0]).toBeCloseTo(a[i]?.[1] as number, 11)
    expect(rest[1]).toBe(a[i]?.[2])
    // theirs is the end of a bucket, of which the last is beyond the exact max
    expect(Math.abs(ms - (a[i]?.[0] as number))).toBeLessThanOrEqual(0.001 * ms + 0.0005)
  }
  const labels = (text: string) => text.replace(/[\d.]+/g, '0').replace(/ +/g, ' ')
  expect(labels(ours)).toBe(labels(theirs))
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../../src/histogram/latency-histogram.js'
import { evenSegments } from '../../../src/result/intervals/even-segments.js'
import { byMetric, noCounts, type RecordedSegment } from '../../../src/result/recording.js'
import { atLength } from '../../support/at-length.js'

function segmentOf(startNs: number, endNs: number, latencies: number[], failed = 0): RecordedSegment {
  const histograms = byMetric((metric) => {
    const histogram = new LatencyHistogram()
    for (const latency of latencies) histogram.record(metric === 'service' ? latency / 2 : latency)
    return histogram.snapshot()
  })
  return {
    startNs,
    endNs,
    counts: { ...noCounts(), offered: latencies.length + failed, completed: latencies.length, failed },
    inSystem: latencies.length,
    batches: 1,
    batched: latencies.length,
    servingNs: 10 * latencies.length,
    histograms,
  }
}

/** Segments of these lengths, one after another, each with a few latencies. */
function row(lengths: number[], latencies: number[][] = lengths.map((length) => [2 * length, 4])): RecordedSegment[] {
  let endNs = 1000
  return lengths.map((length, k) => {
    const startNs = endNs
    endNs += length
    return segmentOf(startNs, endNs, latencies[k] as number[], k % 2)
  })
}
const times = (count: number, length: number) => Array.from({ length: count }, () => length)

describe('segments merged into even ones', () => {
  it('stay as they are if they are about twenty of one length', () => {
    const segments = row(times(20, 100))
    expect(evenSegments(segments)).toEqual(segments)
  })

  it('become twenty of one length if the later ones are twice as long as the earlier ones', () => {
    const merged = evenSegments(row([...times(20, 100), ...times(10, 200), ...times(10, 400), ...times(10, 800)]))
    const lengths = merged.map(({ startNs, endNs }) => endNs - startNs)
    expect(lengths).toEqual(times(20, 800))
  })

  it('are hardly shorter than a twentieth, even if a short one is left at the end', () => {
    const merged = evenSegments(row([...times(20, 90), ...times(10, 200), 30]))
    const lengths = merged.map(({ startNs, endNs }) => endNs - startNs)
    expect(lengths).toEqual([...times(10, 180), ...times(9, 200), 230])
  })

  it('keep every request, and lie end to end', { tags: 'at-length' }, () => {
    const lengths = fc.array(
      fc.record({ length: fc.integer({ min: 1, max: 1000 }), latencies: fc.array(fc.nat(1e9), { maxLength: 5 }) }),
      { minLength: 1, maxLength: 60 },
    )
    fc.assert(
      fc.property(lengths, (given) => {
        const segments = row(
          given.map(({ length }) => length),
          given.map(({ latencies }) => latencies.map((ns) => 2 * ns)),
        )
        const merged = evenSegments(segments)
        const total = (list: RecordedSegment[]) => {
          const all = new Map<number, number>()
          let services = 0
          for (const { latency, service } of list.map(({ histograms }) => histograms)) {
            latency.buckets.forEach((bucket, i) => {
              all.set(bucket, (all.get(bucket) ?? 0) + (latency.counts[i] as number))
            })
            services += service.sum
          }
          return {
            buckets: [...all].sort(([a], [b]) => a - b),
            services,
            offered: list.reduce((sum, { counts }) => sum + counts.offered, 0),
            failed: list.reduce((sum, { counts }) => sum + counts.failed, 0),
            batched: list.reduce((sum, { batched }) => sum + batched, 0),
            max: Math.max(...list.map(({ histograms }) => histograms.latency.max)),
            sum: list.reduce((sum, { histograms }) => sum + histograms.latency.sum, 0),
          }
        }
        expect(total(merged)).toEqual(total(segments))
        expect(merged[0]?.startNs).toBe(1000)
        expect(merged.at(-1)?.endNs).toBe(segments.at(-1)?.endNs)
        merged.slice(1).forEach(({ startNs }, k) => {
          expect(startNs).toBe(merged[k]?.endNs)
        })
        expect(merged.length).toBeLessThanOrEqual(27)
      }),
      { seed: 3, numRuns: atLength(200) },
    )
  })

  it('are empty for no segments', () => {
    expect(evenSegments([])).toEqual([])
  })
})

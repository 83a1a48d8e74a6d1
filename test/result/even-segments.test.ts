import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../src/histogram/latency-histogram.js'
import { noCounts, type RecordedSegment, segmentLatency } from '../../src/result/recording.js'
import { inStretches } from '../../src/result/stretches.js'

function segmentOf(startNs: number, endNs: number, latencies: number[], failed = 0): RecordedSegment {
  const histogram = new LatencyHistogram()
  for (const latency of latencies) histogram.record(latency)
  const service = new LatencyHistogram()
  for (const latency of latencies) service.record(latency / 2)
  return {
    startNs,
    endNs,
    counts: { ...noCounts(), offered: latencies.length + failed, completed: latencies.length, failed },
    inSystem: latencies.length,
    batches: 1,
    batched: latencies.length,
    servingNs: 10 * latencies.length,
    latency: segmentLatency(histogram),
    others: { service: service.compact() },
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

describe('segments put together into stretches', () => {
  it('stay as they are where they are about twenty of one length', () => {
    const segments = row(times(20, 100))
    expect(inStretches(segments)).toEqual(segments)
  })

  it('become twenty of one length where the later ones are twice as long as the earlier', () => {
    const stretches = inStretches(row([...times(20, 100), ...times(10, 200), ...times(10, 400), ...times(10, 800)]))
    const lengths = stretches.map(({ startNs, endNs }) => endNs - startNs)
    expect(lengths).toEqual(times(20, 800))
  })

  it('are hardly shorter than a twentieth, whatever is left at the end', () => {
    const stretches = inStretches(row([...times(20, 90), ...times(10, 200), 30]))
    const lengths = stretches.map(({ startNs, endNs }) => endNs - startNs)
    expect(lengths).toEqual([...times(10, 180), ...times(9, 200), 230])
  })

  it('lose nothing, and lie end to end', () => {
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
        const stretches = inStretches(segments)
        const total = (list: RecordedSegment[]) => {
          const all = new Map<number, number>()
          let services = 0
          for (const { latency, others } of list) {
            latency?.histogram.counts.forEach((count, i) => {
              if (count > 0) all.set(latency.histogram.first + i, (all.get(latency.histogram.first + i) ?? 0) + count)
            })
            services += others?.service?.sum ?? 0
          }
          return {
            buckets: [...all].sort(([a], [b]) => a - b),
            services,
            offered: list.reduce((sum, { counts }) => sum + counts.offered, 0),
            failed: list.reduce((sum, { counts }) => sum + counts.failed, 0),
            batched: list.reduce((sum, { batched }) => sum + batched, 0),
            max: Math.max(...list.map(({ latency }) => latency?.max ?? 0)),
            sum: list.reduce((sum, { latency }) => sum + (latency?.histogram.sum ?? 0), 0),
          }
        }
        expect(total(stretches)).toEqual(total(segments))
        expect(stretches[0]?.startNs).toBe(1000)
        expect(stretches.at(-1)?.endNs).toBe(segments.at(-1)?.endNs)
        stretches.slice(1).forEach(({ startNs }, k) => {
          expect(startNs).toBe(stretches[k]?.endNs)
        })
        expect(stretches.length).toBeLessThanOrEqual(27)
      }),
      { seed: 3, numRuns: 200 },
    )
  })

  it('are none where there is none', () => {
    expect(inStretches([])).toEqual([])
  })
})

import type { ClassSegment } from './classes.js'
import type { Result } from './result.js'
import { percentile } from './summary.js'

/**
 * Reads a percentile of latency over all offered requests. Those that did not complete count as slower than any other:
 * null if the percentile is one of them.
 */
export function percentileOverOffered({ latencyMs, counts }: Result, p: number): number | null {
  const rank = (p * counts.offered) / counts.completed
  return rank > 100 ? null : percentile(latencyMs, rank)
}

/**
 * A result as seen by the requests of one class: its latency, times of responses, counts and rates are those of the class,
 * and the rest is that of the run. Null if no request of the class completed in the window.
 */
export function resultOfClass(result: Result, name: string): Result | null {
  const own = result.classes?.[name]
  if (own === undefined || own.latencyMs === null || own.rates === null) return null
  const {
    goodput: _goodput,
    firstMs: _firstMs,
    betweenMs: _betweenMs,
    stages: _stages,
    bytes: _bytes,
    connections: _connections,
    ...others
  } = result
  return {
    ...others,
    counts: own.counts,
    latencyMs: own.latencyMs,
    rates: own.rates,
    ...(own.firstMs !== undefined && { firstMs: own.firstMs }),
    ...(own.betweenMs !== undefined && { betweenMs: own.betweenMs }),
    ...(own.goodput !== undefined && { goodput: own.goodput }),
    segments: result.segments.map((segment, k) => ({ ...segment, ...(own.segments[k] as ClassSegment) })),
    // recorded of all requests together
    fromSendMs: null,
  }
}

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

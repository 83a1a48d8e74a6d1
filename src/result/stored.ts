import type { Result } from './result.js'
import { percentile } from './summary.js'

/**
 * A percentile of latency over every request offered, those without an answer taken as slower than any other; null if
 * it is one that was never answered.
 */
export function percentileOverOffered({ latencyMs, counts }: Result, p: number): number | null {
  const rank = (p * counts.offered) / counts.completed
  return rank > 100 ? null : percentile(latencyMs, rank)
}

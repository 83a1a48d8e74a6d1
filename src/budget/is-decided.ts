import type { Result } from '../result/result.js'
import type { Estimate } from '../result/summary.js'
import type { CheckpointedStop } from '../scenario/stop.js'
import { judgeResult } from './check.js'

/** Whether a run may stop at a checkpoint: its budget is decided, or its estimate is precise enough. */
export function isDecided(result: Result, stop: CheckpointedStop): boolean {
  if ('budget' in stop) return judgeResult(result, stop.budget).verdict !== 'inconclusive'
  return isPrecise(result, stop.of === 'p99.9' ? 'p999' : stop.of, stop.precision)
}

function isPrecise({ latencyMs }: Result, of: Estimate, precision: number): boolean {
  const { low, high } = latencyMs.intervals[of]
  if (low === null || high === null) return false
  const estimate = latencyMs[of]
  return Math.max(high - estimate, estimate - low) <= precision * estimate
}

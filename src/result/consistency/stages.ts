import { sumBy } from '../../statistics/descriptive.js'
import { errorsIn, totalOf } from '../recording.js'
import type { Result } from '../result.js'
import type { StageResult } from '../stages.js'
import { areSame, tooManyGood } from './counts.js'
import { Buckets, bucketsOf } from './histograms.js'
import { type Contradiction, ROUNDING, same } from './rounding.js'

/** Finds a contradiction within stages, or between them and the whole. */
export function contradictionOfStages({ stages, scenario, counts, latencyMs, window }: Result): Contradiction | null {
  if (stages === undefined) return null
  if (scenario?.arrivals.process !== 'stages') return ['stages', 'must be absent: the arrivals are not in stages']
  for (const [k, stage] of stages.entries()) {
    const inStage = contradictionInStage(stage, stages[k - 1], `stages.${k}`)
    if (inStage !== null) return inStage
  }
  if (sumBy(stages, ({ windowMs }) => windowMs) > (window.endMs - window.startMs) * (1 + ROUNDING)) {
    return ['stages', 'must not be longer than the window']
  }
  if (!areSame(totalOf(stages.map((stage) => stage.counts)), counts)) {
    return ['stages', 'must add up to the counts of the whole']
  }
  const buckets = new Buckets()
  for (const stage of stages) if (stage.latencyMs !== null) buckets.add(bucketsOf(stage.latencyMs))
  return buckets.hold(bucketsOf(latencyMs)) ? null : ['stages', 'must hold the same latencies as the whole result']
}

function contradictionInStage(stage: StageResult, before: StageResult | undefined, at: string): Contradiction | null {
  const { startMs, endMs, windowMs, first, last, counts, throughput, latencyMs } = stage
  if (startMs !== (before?.endMs ?? 0)) return [`${at}.startMs`, 'must be the end of the stage before it, or 0']
  if (endMs < startMs) return [`${at}.endMs`, 'must not be before its start']
  if (first <= (before?.last ?? 0) || last < first)
    return [`${at}.first`, 'must be greater than `last` of the stage before it']
  if (counts.offered !== counts.completed + errorsIn(counts) + counts.aborted) {
    return [`${at}.counts.offered`, 'must be the sum of the other counts']
  }
  if (tooManyGood(counts)) return [`${at}.counts.good`, 'must be at most counts.completed']
  if (counts.completed !== (latencyMs?.count ?? 0)) {
    return [`${at}.counts.completed`, 'must equal the number of latencies']
  }
  if ((throughput === null) !== (windowMs === 0)) {
    return [`${at}.throughput`, 'must be null exactly when no part of the stage is in the window']
  }
  return throughput === null || same(throughput.offered, (1000 * counts.offered) / windowMs)
    ? null
    : [`${at}.throughput.offered`, 'must be counts.offered divided by the seconds of windowMs']
}

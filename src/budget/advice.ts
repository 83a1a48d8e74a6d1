import type { Result } from '../result/result.js'
import { isStationary } from '../scenario/arrivals/arrivals.js'
import type { Relation } from '../scenario/budget.js'
import { count, inText, percentage, time } from '../text/number.js'
import type { Over } from './fraction-over.js'

/** Formats the fraction over a limit: `4.1 % of requests took longer than 50 ms; 1 % may; 95 % interval 2.9 to 5.6 %`. */
export function overText({ metric, relation, limit }: Limited, over: Over): string {
  const { fraction, allowed, low, high } = over
  const took =
    relation === '<' || relation === '>=' ? `took ${time(limit)} or longer` : `took longer than ${time(limit)}`
  const may = relation.startsWith('<') ? `${percentage(allowed)} % may` : `more than ${percentage(allowed)} % must`
  const values = /(^|\.)between\.(p[\d.]+|mean|max)$/.test(metric) ? 'gaps' : 'requests'
  return `${percentage(fraction)} % of ${values} ${took}; ${may}${low === high ? '' : `; 95 % interval ${rangeText(over)}`}`
}

interface Limited {
  /** `p99`, `between.p99` */
  metric: string
  relation: Relation
  limit: number
}

/** `2.9 to 5.6 %`. */
export const rangeText = ({ low, high }: Over) => `${percentage(low)} to ${percentage(high)} %`

/** Advises how to turn an inconclusive verdict into a clear one, by a run this many times as long; null if none would do. */
export function adviseLongerRun(
  { counts, window, scenario, engine, replications, checkpoints }: Result,
  times: number | null,
): string {
  if (scenario !== null && !isStationary(scenario.arrivals))
    return 'a longer run cannot decide, because the arrivals end by themselves'
  if (times === null) return 'a longer run is unlikely to decide: choose another limit'
  const requests = count(Number((counts.offered * times).toPrecision(2)))
  if (replications !== undefined)
    return `run more or longer replications: about ${requests} requests in total would decide`
  const seconds = inText(Number((((window.endMs - window.startMs) * times) / 1000).toPrecision(2)))
  const how = engine === 'record' ? 'record for longer' : checkpoints === undefined ? 'run longer' : 'raise atMost'
  return `${how}: about ${requests} requests (${seconds} s) would decide`
}

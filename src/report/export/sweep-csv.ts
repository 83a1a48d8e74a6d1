import type { Swept } from '../../explore/sweep.js'
import { toCsv } from '../../files/csv.js'
import type { Result } from '../../result/result.js'
import { ESTIMATES } from '../../result/summary.js'
import { checkNamed, checkSwept } from '../given.js'
import type { NamedResult } from '../named-result.js'
import { sweptFields } from '../swept-fields.js'

type Figure = readonly [header: string, of: (result: Result) => string | number | boolean | null]

/** What is told of each run: times in milliseconds, rates a second, fractions of 1; a bound that is not known is empty. */
const FIGURES: Figure[] = [
  ['engine', ({ engine }) => engine],
  ['offeredPerSec', ({ throughput }) => throughput.offered],
  ['completedPerSec', ({ throughput }) => throughput.completed],
  ...ESTIMATES.flatMap((estimate): Figure[] => [
    [`${estimate}Ms`, ({ latencyMs }) => latencyMs[estimate]],
    [`${estimate}LowMs`, ({ latencyMs }) => latencyMs.intervals[estimate].low],
    [`${estimate}HighMs`, ({ latencyMs }) => latencyMs.intervals[estimate].high],
  ]),
  ['maxMs', ({ latencyMs }) => latencyMs.max],
  ['waitMeanMs', ({ waitMs }) => waitMs.mean],
  ['queueingMeanMs', ({ queueingMs }) => queueingMs.mean],
  ['batchingMeanMs', ({ batchingMs }) => batchingMs.mean],
  ['serviceMeanMs', ({ serviceMs }) => serviceMs.mean],
  ['meanBatchSize', ({ batches }) => batches.meanSize],
  ['utilization', ({ utilization }) => utilization],
  ['errorRate', ({ rates }) => rates.error],
  ['requests', ({ counts }) => counts.offered],
  ['valid', ({ validity }) => validity.valid],
  ['findings', ({ validity }) => validity.findings.map(({ code }) => code).join(' ')],
]

/**
 * A sweep as a CSV file: a line for each point, the value of each field that was swept first, then what came of it.
 *
 * @throws ValidationError if it is not a sweep
 */
export function renderSweepCsv(swept: readonly Swept[]): string {
  checkSwept(swept)
  const fields = sweptFields(swept)
  return toCsv(
    [...fields.map(({ name }) => name), ...FIGURES.map(([header]) => header)],
    swept.map((each) => [...fields.map(({ plain }) => plain(each)), ...FIGURES.map(([, of]) => of(each.result))]),
  )
}

/**
 * Results as a CSV file: a line for each, by its name. A name that a spreadsheet would take for a formula, such as
 * `=1+1`, begins with an apostrophe there.
 *
 * @throws ValidationError if they are not results
 */
export function renderResultsCsv(results: readonly NamedResult[]): string {
  checkNamed(results)
  return toCsv(
    ['name', ...FIGURES.map(([header]) => header)],
    results.map(({ name, result }) => [name, ...FIGURES.map(([, of]) => of(result))]),
  )
}

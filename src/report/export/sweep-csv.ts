import type { Swept } from '../../explore/sweep.js'
import { toCsv } from '../../files/csv.js'
import { costOf } from '../../result/cost.js'
import type { Result } from '../../result/result.js'
import { ESTIMATES } from '../../result/summary.js'
import { checkNamed, checkOptions, checkSwept } from '../given.js'
import type { NamedResult } from '../named-result.js'
import { sweptFields } from '../swept-fields.js'

type Figure = readonly [header: string, of: (result: Result) => string | number | boolean | null]

/** The columns of a run: times in milliseconds, rates per second, fractions of 1. Unknown bounds are empty. */
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
  ['goodput', ({ goodput }) => goodput?.fraction ?? null],
  ['goodputLow', ({ goodput }) => goodput?.interval.low ?? null],
  ['goodputHigh', ({ goodput }) => goodput?.interval.high ?? null],
  ['goodPerSec', ({ goodput }) => goodput?.perSecond ?? null],
  ['requests', ({ counts }) => counts.offered],
  ['valid', ({ validity }) => validity.valid],
  ['findings', ({ validity }) => validity.findings.map(({ code }) => code).join(' ')],
]

/** The columns of cost and waste. */
const COSTS = ['idle', 'completedPerServer', 'costPerHour', 'costPerMillion'] as const

const costsOf = (result: Result, price: number | undefined) => {
  const { idle, perServer, perHour, perMillion } = costOf(result, { price })
  return price === undefined ? [idle, perServer] : [idle, perServer, perHour, perMillion]
}

const headers = (price: number | undefined) => [
  ...FIGURES.map(([header]) => header),
  ...(price === undefined ? COSTS.slice(0, 2) : COSTS),
]

/** Options of renderings as CSV. */
export interface CsvOptions {
  /**
   * The price of one server for an hour, which adds what each run costs.
   *
   * @default no cost
   */
  price?: number | undefined
}

/**
 * Renders a sweep as CSV, with a line for each run: the swept fields, then its figures. Times are milliseconds, rates are
 * per second, and fractions are of 1.
 *
 * @throws ValidationError if it is not a list of runs
 * @example
 * const csv = renderSweepCsv(await sweep({ arrivals: '50/s', service: '5ms', stop: { requests: 2000 } }, { servers: [1, 2] }))
 */
export function renderSweepCsv(swept: readonly Swept[], options: CsvOptions = {}): string {
  checkOptions(options, 'csv')
  checkSwept(swept)
  const { price } = options
  const fields = sweptFields(swept)
  return toCsv(
    [...fields.map(({ name }) => name), ...headers(price)],
    swept.map((each) => [
      ...fields.map(({ plain }) => plain(each)),
      ...FIGURES.map(([, of]) => of(each.result)),
      ...costsOf(each.result, price),
    ]),
  )
}

/**
 * Renders results as CSV, with a line for each: its name, then its figures. A name that a spreadsheet would run as a
 * formula, such as `=1+1`, is prefixed with an apostrophe.
 *
 * @throws ValidationError if they are not results
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const csv = renderResultsCsv([{ name: 'checkout', result }])
 */
export function renderResultsCsv(results: readonly NamedResult[], options: CsvOptions = {}): string {
  checkOptions(options, 'csv')
  checkNamed(results)
  const { price } = options
  return toCsv(
    ['name', ...headers(price)],
    results.map(({ name, result }) => [name, ...FIGURES.map(([, of]) => of(result)), ...costsOf(result, price)]),
  )
}

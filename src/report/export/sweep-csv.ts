import type { Swept } from '../../explore/sweep.js'
import { toCsv } from '../../files/csv.js'
import { costOf } from '../../result/cost.js'
import type { Result } from '../../result/result.js'
import { resultOfClass } from '../../result/stored.js'
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

/** The figures that are known of a class too. */
const OF_A_CLASS = new Set([
  'engine',
  ...FIGURES.map(([header]) => header).filter((header) => /^(mean|p\d+|max)(Low|High)?Ms$/.test(header)),
  ...['errorRate', 'goodput', 'goodputLow', 'goodputHigh', 'goodPerSec', 'requests', 'valid', 'findings'],
])

/** The columns of cost and waste. */
const COSTS = ['idle', 'completedPerServer', 'costPerHour', 'costPerMillion'] as const

const costsOf = (result: Result, price: number | undefined) => {
  const { idle, perServer, perHour, perMillion } = costOf(result, { price })
  return price === undefined ? [idle, perServer] : [idle, perServer, perHour, perMillion]
}

/** A line for the whole, and one for each class, whose cost is not known apart. */
function linesOf(result: Result, price: number | undefined): (string | number | boolean | null)[][] {
  const names = Object.keys(result.classes ?? {})
  const costs = costsOf(result, price)
  return [
    [null, ...FIGURES.map(([, of]) => of(result)), ...costs],
    ...names.map((name) => {
      const own = resultOfClass(result, name)
      const figures = FIGURES.map(([header, of]) => (own !== null && OF_A_CLASS.has(header) ? of(own) : null))
      return [name, ...figures, ...costs.map(() => null)]
    }),
  ]
}

const costHeaders = (price: number | undefined) => (price === undefined ? COSTS.slice(0, 2) : COSTS)

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
 * per second, and fractions are of 1. If requests have classes, each has a line after that of its run, with its name in
 * the column `class`.
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
  return csvOf(
    fields.map(({ name }) => name),
    swept.map((each) => ({ keys: fields.map(({ plain }) => plain(each)), result: each.result })),
    price,
  )
}

/**
 * Renders results as CSV, with a line for each: its name, then its figures. If requests have classes, each has a line of
 * its own, with its name in the column `class`. A name that a spreadsheet would run as a
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
  return csvOf(
    ['name'],
    results.map(({ name, result }) => ({ keys: [name], result })),
    options.price,
  )
}

/** @param headers those of the keys, which say what each result is */
function csvOf(
  headers: readonly string[],
  all: readonly { keys: readonly (string | number | boolean | null)[]; result: Result }[],
  price: number | undefined,
): string {
  const withClasses = all.some(({ result }) => result.classes !== undefined)
  return toCsv(
    [...headers, ...(withClasses ? ['class'] : []), ...FIGURES.map(([header]) => header), ...costHeaders(price)],
    all.flatMap(({ keys, result }) =>
      linesOf(result, price).map(([name = null, ...figures]) => [...keys, ...(withClasses ? [name] : []), ...figures]),
    ),
  )
}

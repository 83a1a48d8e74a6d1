import type { Swept } from '../../explore/sweep.js'
import { toCsv } from '../../files/csv.js'
import { type Cost, costOf } from '../../result/cost.js'
import { type Goodput, goodPart } from '../../result/goodput.js'
import { type Counts, errorsIn } from '../../result/recording.js'
import type { Result } from '../../result/result.js'
import type { StageLatency, StageResult } from '../../result/stages.js'
import { ESTIMATES, type Summary } from '../../result/summary.js'
import { checkNamed, checkOptions, checkSwept } from '../check-options.js'
import type { NamedResult } from '../named-result.js'
import { sweptFields } from '../swept-fields.js'

type Value = string | number | boolean | null

/** A line of CSV: a run, or the requests of one of its classes or stages. */
interface Line {
  run: Result
  /** the run, if the line is of all its requests: some figures are not known of a class or a stage alone */
  whole: Result | null
  class: string | null
  stage: StageResult | null
  counts: Counts
  throughput: { offered: number; completed: number | null } | null
  latencyMs: (StageLatency & Partial<Summary>) | null
  goodput: (Pick<Goodput, 'fraction' | 'perSecond'> & Partial<Goodput>) | null
}

/** A line for the whole, one for each class and one for each stage. */
function linesOf(run: Result): Line[] {
  const { classes = {}, stages = [], counts, throughput, latencyMs, goodput = null } = run
  const alone = { run, whole: null, class: null, stage: null }
  return [
    { ...alone, whole: run, counts, throughput, latencyMs, goodput },
    ...Object.entries(classes).map(([name, of]) => ({
      ...{ ...alone, class: name, counts: of.counts, latencyMs: of.latencyMs, goodput: of.goodput ?? null },
      throughput: { offered: of.offeredPerSecond, completed: null },
    })),
    ...stages.map((stage) => ({
      ...{ ...alone, stage, counts: stage.counts, throughput: stage.throughput, latencyMs: stage.latencyMs },
      goodput: goodputIn(stage),
    })),
  ]
}

function goodputIn({ counts, windowMs }: StageResult): Line['goodput'] {
  const { amount, of } = goodPart(counts)
  if (counts.good === undefined || of === 0) return null
  return { fraction: amount / of, perSecond: (1000 * amount) / windowMs }
}

type Figure = readonly [header: string, of: (line: Line) => Value]

/** The columns of figures: times in milliseconds, rates per second, fractions of 1. What is not known is empty. */
const FIGURES: Figure[] = [
  ['engine', ({ run }) => run.engine],
  ['offeredPerSec', ({ throughput }) => throughput?.offered ?? null],
  ['completedPerSec', ({ throughput }) => throughput?.completed ?? null],
  ...ESTIMATES.flatMap((estimate): Figure[] => [
    [`${estimate}Ms`, ({ latencyMs }) => latencyMs?.[estimate] ?? null],
    [`${estimate}LowMs`, ({ latencyMs }) => latencyMs?.intervals?.[estimate].low ?? null],
    [`${estimate}HighMs`, ({ latencyMs }) => latencyMs?.intervals?.[estimate].high ?? null],
  ]),
  ['maxMs', ({ latencyMs }) => latencyMs?.max ?? null],
  ['waitMeanMs', ({ whole }) => whole?.waitMs.mean ?? null],
  ['queueingMeanMs', ({ whole }) => whole?.queueingMs.mean ?? null],
  ['batchingMeanMs', ({ whole }) => whole?.batchingMs.mean ?? null],
  ['serviceMeanMs', ({ whole }) => whole?.serviceMs.mean ?? null],
  ['meanBatchSize', ({ whole }) => whole?.batches.meanSize ?? null],
  ['utilization', ({ whole }) => whole?.utilization ?? null],
  ['errorRate', ({ counts }) => (counts.offered === 0 ? null : errorsIn(counts) / counts.offered)],
  ['goodput', ({ goodput }) => goodput?.fraction ?? null],
  ['goodputLow', ({ goodput }) => goodput?.interval?.low ?? null],
  ['goodputHigh', ({ goodput }) => goodput?.interval?.high ?? null],
  ['goodPerSec', ({ goodput }) => goodput?.perSecond ?? null],
  ['requests', ({ counts }) => counts.offered],
  ['valid', ({ run }) => run.validity.valid],
  ['findings', ({ run }) => run.validity.findings.map(({ code }) => code).join(' ')],
]

/** The columns that say which of the requests of a run a line is of. */
const CLASS: Figure[] = [['class', (line) => line.class]]
const STAGE: Figure[] = [
  ['stage', ({ stage }) => stage?.first ?? null],
  ['stageStartMs', ({ stage }) => stage?.startMs ?? null],
  ['stageEndMs', ({ stage }) => stage?.endMs ?? null],
  ['stageFromPerSec', ({ stage }) => stage?.fromPerSecond ?? null],
  ['stageToPerSec', ({ stage }) => stage?.toPerSecond ?? null],
]

/** The columns of cost and waste, which are known of the whole only. */
function costColumns(price: number | undefined): Figure[] {
  const ofWhole =
    (of: (cost: Cost) => number | null) =>
    ({ whole }: Line) =>
      whole === null ? null : of(costOf(whole, { price }))
  return [
    ['idle', ofWhole(({ idle }) => idle)],
    ['completedPerServer', ofWhole(({ perServer }) => perServer)],
    ...(price === undefined
      ? []
      : [
          ['costPerHour', ofWhole(({ perHour }) => perHour)] as const,
          ['costPerMillion', ofWhole(({ perMillion }) => perMillion)] as const,
        ]),
  ]
}

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
 * the column `class`; so has each stage of the arrivals, with its number in the column `stage`.
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
 * its own, with its name in the column `class`; so has each stage of the arrivals, with its number in the column `stage`.
 * A name that a spreadsheet would run as a formula, such as `=1+1`, is prefixed with an apostrophe.
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
  all: readonly { keys: readonly Value[]; result: Result }[],
  price: number | undefined,
): string {
  const columns = [
    ...(all.some(({ result }) => result.classes !== undefined) ? CLASS : []),
    ...(all.some(({ result }) => result.stages !== undefined) ? STAGE : []),
    ...FIGURES,
    ...costColumns(price),
  ]
  return toCsv(
    [...headers, ...columns.map(([header]) => header)],
    all.flatMap(({ keys, result }) => linesOf(result).map((line) => [...keys, ...columns.map(([, of]) => of(line))])),
  )
}

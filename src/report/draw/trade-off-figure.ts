import { estimateOf } from '../../budget/estimate.js'
import type { Result } from '../../result/result.js'
import type { Summary } from '../../result/summary.js'
import { rulesOf } from '../../scenario/budget.js'
import { servicesOf } from '../../scenario/classes.js'
import { wholeName } from '../../scenario/fields.js'
import { maxThroughput } from '../../scenario/service/service.js'
import { durationMs, ratePerSecond } from '../../scenario/units.js'
import { count, inText, plural, rate } from '../../text/number.js'
import type { Figure, Figures } from '../figures.js'
import type { Spread } from '../spread.js'
import type { TradeOffRow } from '../terminal/trade-off-row.js'
import type { Bounded } from './elements/mark.js'

export const DRAWN = ['p50', 'p90', 'p95', 'p99'] as const
export type Drawn = (typeof DRAWN)[number]

/**
 * Whether the figures of a run can be trusted: `overloaded` runs have no steady state, so no latency is drawn;
 * `truncated` runs ended before their slowest requests did, so that latencies are lower bounds; `invalid` runs have
 * another error.
 */
export type RunValidity = 'valid' | 'overloaded' | 'truncated' | 'invalid'

/** The figures of one run, by one engine, at one value of the swept field. */
export interface TradeOffPoint {
  label: string
  /** the value as a number; null if it is not a number, such as no limit */
  at: number | null
  validity: RunValidity
  /** why it is not valid */
  reason?: string | undefined
  /** requests completed a second; null if unknown */
  completed: Bounded | null
  /** milliseconds; null if overloaded */
  latency: Record<Drawn, Bounded> | null
}

export interface TradeOffCurve {
  engine: 'measured' | 'simulated' | 'recorded'
  points: TradeOffPoint[]
}

/** The throughput-latency trade-off: throughput and latency against one field of a scenario. */
export interface TradeOffFigure {
  /** the swept field: `batch size` */
  field: string
  /** the values of the other swept fields: `max wait 5 ms`; empty if there are none */
  group: string
  curves: TradeOffCurve[]
  /** the capacity at each value for which it is known */
  capacity: { label: string; at: number | null; perSecond: number }[]
  /** the load offered to every run; null if it differs or is unknown */
  offeredPerSec: number | null
  /** what the bounds of figures are: `95 % intervals` or `3 rounds` */
  boundsName: string
}

/** The names of the engines in labels. */
export const ENGINES = { simulate: 'simulated', measure: 'measured', record: 'recorded' } as const

/** Builds the trade-off of batch sizes that were measured over rounds and simulated. */
export function figureOfRows(rows: TradeOffRow[], offeredPerSec: number, rounds?: number): TradeOffFigure {
  const overloaded = `overloaded at ${rate(offeredPerSec)}`
  const point = <Of extends Figures | Record<Figure, Spread>>(
    { batchSize }: TradeOffRow,
    of: Of | 'overloaded',
    bounded: (figures: Of, name: Drawn) => Bounded,
  ): TradeOffPoint => ({
    ...{ label: count(batchSize), at: batchSize, completed: null },
    ...(of === 'overloaded'
      ? { validity: of, reason: overloaded, latency: null }
      : { validity: 'valid', latency: forEachDrawn((name) => bounded(of, name)) }),
  })
  const measured = rows.flatMap((row) =>
    row.measured === undefined
      ? []
      : [point(row, row.measured, (of, name) => ({ value: of[name].median, low: of[name].low, high: of[name].high }))],
  )
  const predicted = rows.flatMap((row) =>
    row.predicted === undefined
      ? []
      : [point(row, row.predicted, (of, name) => ({ value: of[name], low: null, high: null }))],
  )
  return {
    field: 'batch size',
    group: '',
    curves: [
      { engine: 'simulated' as const, points: predicted },
      { engine: 'measured' as const, points: measured },
    ].filter(({ points }) => points.length > 0),
    capacity: rows.map(({ batchSize, capacityPerSec }) => ({
      label: count(batchSize),
      at: batchSize,
      perSecond: capacityPerSec,
    })),
    offeredPerSec,
    boundsName: rounds === undefined ? 'the rounds' : plural(rounds, 'round'),
  }
}

/** A run of a sweep: the value of each swept field, and its result. */
export interface SweptRun {
  point: object
  result: Result
}

/**
 * Builds the throughput-latency trade-off of a sweep: against the batch size if it was swept, else against the field
 * with the most values; one figure for each combination of the others. Measured and simulated runs share figures.
 */
export function figuresOfSweep(swept: readonly SweptRun[]): TradeOffFigure[] {
  const names = [...new Set(swept.flatMap(({ point }) => Object.keys(point).map(wholeName)))]
  const valuesOf = (name: string) => new Set(swept.map(({ point }) => keyOf(valueAt(point, name)))).size
  const field =
    names.find((name) => /(^|\.)maxBatchSize$/.test(name)) ??
    names.reduce((a, b) => (valuesOf(b) > valuesOf(a) ? b : a), names[0] ?? '')
  const others = names.filter((name) => name !== field && valuesOf(name) > 1)
  return [...groupBy(swept, (run) => groupOf(run, others))].map(([group, runs]) => figureOfRuns(field, group, runs))
}

function groupBy(swept: readonly SweptRun[], key: (run: SweptRun) => string): Map<string, SweptRun[]> {
  const groups = new Map<string, SweptRun[]>()
  for (const run of swept) groups.set(key(run), [...(groups.get(key(run)) ?? []), run])
  return groups
}

const groupOf = ({ point }: SweptRun, names: string[]) =>
  names.map((name) => `${fieldName(name)} ${labelOf(valueAt(point, name))}`).join(', ')

function figureOfRuns(field: string, group: string, runs: readonly SweptRun[]): TradeOffFigure {
  const engines = [...new Set(runs.map(({ result }) => result.engine))].sort().reverse()
  const place = ({ point }: SweptRun) => ({
    label: labelOf(valueAt(point, field)),
    at: numberOf(valueAt(point, field)),
  })
  const loads = [...new Set(runs.map(({ result }) => loadOf(result)))]
  const sorted = [...runs].sort((a, b) => (place(a).at ?? Infinity) - (place(b).at ?? Infinity))
  return {
    field: fieldName(field),
    group,
    curves: engines.map((engine) => ({
      engine: ENGINES[engine],
      points: sorted
        .filter(({ result }) => result.engine === engine)
        .map((run) => ({ ...place(run), ...pointOf(run.result) })),
    })),
    capacity: sorted.flatMap((run) => {
      const perSecond = capacityOf(run.result)
      return perSecond === null ? [] : [{ ...place(run), perSecond }]
    }),
    offeredPerSec: loads.length === 1 ? (loads[0] ?? null) : null,
    boundsName: '95 % intervals',
  }
}

function pointOf(result: Result): Omit<TradeOffPoint, 'label' | 'at'> {
  const { validity, reason } = classifyRun(result)
  return {
    validity,
    reason,
    completed: completedOf(result),
    latency: validity === 'overloaded' ? null : forEachDrawn((name) => boundedOf(result.latencyMs, name)),
  }
}

/** Classifies a run by its errors: an overload first, then a cut-off, then any other error. */
export function classifyRun(result: Result): { validity: RunValidity; reason?: string } {
  const errors = result.validity.findings.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first === undefined) return { validity: 'valid' }
  if (errors.some(({ code }) => code === 'saturated')) {
    const load = loadOf(result)
    return { validity: 'overloaded', reason: `overloaded at ${rate(load ?? result.throughput.offered)}` }
  }
  const cutOff = errors.find(({ code }) => code === 'cut-off')
  if (cutOff !== undefined) return { validity: 'truncated', reason: cutOff.message }
  return { validity: 'invalid', reason: `${first.code}: ${first.message}` }
}

/** Reads a percentile or the mean with its interval. */
export function boundedOf(summary: Summary, name: keyof Summary['intervals']): Bounded {
  const { low, high, reason } = summary.intervals[name]
  return { value: summary[name], low, high, reason }
}

const [THROUGHPUT] = rulesOf({ throughput: 0 })

/** Requests completed a second. Without a steady state there is no interval. */
export function completedOf(result: Result): Bounded {
  if (result.validity.findings.some(({ code }) => code === 'saturated')) {
    return { value: result.throughput.completed, low: null, high: null, reason: 'there is no steady state' }
  }
  const { interval } = estimateOf(THROUGHPUT as NonNullable<typeof THROUGHPUT>, { result })
  const { low = null, high = null, reason } = interval ?? {}
  return { value: result.throughput.completed, low, high, reason }
}

/** The rate of the arrivals; null if they have none. */
export function loadOf({ scenario }: Result): number | null {
  return scenario !== null && 'rate' in scenario.arrivals ? scenario.arrivals.rate : null
}

/** The capacity of a simulation's servers, in requests a second; null if it is unknown or unlimited. */
export function capacityOf({ engine, scenario }: Result): number | null {
  if (engine !== 'simulate' || scenario?.service === undefined || scenario.servers === null) return null
  const { service, classes, batching, servers } = scenario
  // recorded times may be stored as a hash only
  if (service.model === 'recorded' || 'model' in (service.overhead?.turnaround ?? {})) return null
  const shares = servicesOf(service, classes)
  const most = maxThroughput(service, batching.maxBatchSize ?? Number.POSITIVE_INFINITY, servers, shares)
  return Number.isFinite(most) ? most : null
}

const NAMES: Record<string, string> = {
  ...{ maxBatchSize: 'batch size', 'batching.maxBatchSize': 'batch size' },
  ...{ maxWait: 'max wait', 'batching.maxWait': 'max wait' },
  ...{ rate: 'arrival rate', 'arrivals.rate': 'arrival rate' },
}

/** The readable name of a scenario field: `batch size`, `queue capacity`. */
export function fieldName(field: string): string {
  return NAMES[field] ?? field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/\./g, ' ')
}

/** The value of a field in a point, under either of the field's names. */
const valueAt = (point: object, name: string): unknown =>
  Object.entries(point).find(([each]) => wholeName(each) === name)?.[1]
const keyOf = (value: unknown) => JSON.stringify(value) ?? ''

/** Formats a value of a field for the axis. */
export function labelOf(value: unknown): string {
  if (value === null) return 'no limit'
  if (typeof value === 'number') return Number.isInteger(value) ? count(value) : inText(value)
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  return typeof value === 'string' ? (durationMs(value) ?? ratePerSecond(value)) : null
}

const forEachDrawn = (of: (name: Drawn) => Bounded) =>
  Object.fromEntries(DRAWN.map((name) => [name, of(name)])) as Record<Drawn, Bounded>

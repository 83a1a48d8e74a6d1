import { type ComparedMetric, isFraction, LOAD } from '../budget/comparison/comparison.js'
import { describeMachine, type HistoryEntry } from '../budget/comparison/history-entry.js'
import { stream } from '../random/stream.js'
import { mean } from '../statistics/descriptive.js'
import { findChangePoints } from '../statistics/e-divisive.js'

/** A run in a series. */
export interface HistoryPoint {
  commit: string | null
  at: string
  value: number
  /** 95 % interval */
  interval: { low: number; high: number } | null
  /** version of Node, which may explain a change */
  node: string | null
}

/** A change between two runs of a series. */
export interface HistoryChange {
  /** index of the first point after the change */
  at: number
  commit: string | null
  /** means before and after, up to the neighbouring changes: geometric, but arithmetic for error rates */
  before: number
  after: number
  /** fraction of random orders of the runs with a change at least as large */
  p: number
}

/** A metric of one scenario over commits, on one machine. */
export interface HistorySeries {
  name: string
  machine: string
  metric: ComparedMetric
  points: HistoryPoint[]
  changes: HistoryChange[]
}

/** At most one of 100 series without a change is reported to have one. */
const LEVEL = 0.01
const PERMUTATIONS = 499
/** More points hardly change the result, and the time grows with their square. */
const MOST_POINTS = 500

/**
 * Builds the series of a metric over commits, with change points: one for each scenario, load and machine. Invalid runs are
 * left out.
 *
 * @param entries in the order of adding
 */
export function buildHistorySeries(entries: readonly HistoryEntry[], metric: ComparedMetric): HistorySeries[] {
  const groups = new Map<string, HistoryEntry[]>()
  for (const entry of entries) {
    if (!entry.valid || (entry.figures[metric] ?? null) === null) continue
    const { name, scenario } = entry
    // each load is a separate series
    const key = JSON.stringify([name, entry.engine, describeMachine(entry), LOAD.map((field) => scenario?.[field])])
    groups.set(key, [...(groups.get(key) ?? []), entry])
  }
  return [...groups.values()].map((group) => buildSeries(group.slice(-MOST_POINTS), metric))
}

function buildSeries(entries: readonly HistoryEntry[], metric: ComparedMetric): HistorySeries {
  const [first] = entries as [HistoryEntry]
  const points = entries.map(({ commit, at, figures, intervals, environment }): HistoryPoint => {
    const { low, high } = intervals[metric] ?? {}
    const interval = low === undefined || high === undefined ? null : { low, high }
    return { commit, at, value: figures[metric] as number, interval, node: environment?.node ?? null }
  })
  const values = points.map(({ value }) => value)
  const isRatio = !isFraction(metric) && values.every((value) => value > 0)
  const scaled = isRatio ? values.map(Math.log) : values
  const random = stream(1, 'change points')
  const found = findChangePoints(scaled, { level: LEVEL, permutations: PERMUTATIONS, uniform: () => random.uniform() })
  const ends = [0, ...found.map(({ at }) => at), values.length]
  const meanOf = (part: number) => {
    const of = scaled.slice(ends[part], ends[part + 1])
    return isRatio ? Math.exp(mean(of)) : mean(of)
  }
  const changes = found.map(({ at, p }, i): HistoryChange => {
    const { commit } = points[at] as HistoryPoint
    return { at, commit, before: meanOf(i), after: meanOf(i + 1), p }
  })
  return { name: first.name, machine: describeMachine(first), metric, points, changes }
}

import { type ComparedMetric, LOAD } from '../budget/comparison.js'
import { describeMachine, type HistoryEntry } from '../budget/history-entry.js'
import { stream } from '../random/stream.js'
import { changePoints } from '../statistics/e-divisive.js'

/** One run in a series. */
export interface HistoryPoint {
  commit: string | null
  at: string
  value: number
  /** 95 % */
  interval: { low: number; high: number } | null
  /** Node, as it may explain a change */
  node: string | null
}

/** A change between two runs of a series. */
export interface HistoryChange {
  /** which point is the first after it */
  at: number
  commit: string | null
  /** means between the changes before and after: geometric, but of error rates */
  before: number
  after: number
  /** how often runs in random order show as large a change */
  p: number
}

/** A metric of one scenario over commits, on one kind of machine. */
export interface HistorySeries {
  name: string
  machine: string
  metric: ComparedMetric
  points: HistoryPoint[]
  changes: HistoryChange[]
}

/** A series without a change shows one in at most one of 100. */
const LEVEL = 0.01
const PERMUTATIONS = 499
/** More do not change the result much, and take their square of time. */
const MOST_POINTS = 500

/**
 * A metric over commits: a series for each scenario, load and machine, with its change points. Invalid runs are left out.
 *
 * @param entries in the order in which they were added
 */
export function historySeries(entries: readonly HistoryEntry[], metric: ComparedMetric): HistorySeries[] {
  const groups = new Map<string, HistoryEntry[]>()
  for (const entry of entries) {
    if (!entry.valid || entry.figures[metric] === null) continue
    const { name, scenario } = entry
    // another load is another series
    const key = JSON.stringify([name, entry.engine, describeMachine(entry), LOAD.map((field) => scenario?.[field])])
    groups.set(key, [...(groups.get(key) ?? []), entry])
  }
  return [...groups.values()].map((group) => seriesOf(group.slice(-MOST_POINTS), metric))
}

function seriesOf(entries: readonly HistoryEntry[], metric: ComparedMetric): HistorySeries {
  const [first] = entries as [HistoryEntry]
  const points = entries.map(({ commit, at, figures, intervals, environment }): HistoryPoint => {
    const { low, high } = intervals[metric] ?? {}
    const interval = low === undefined || high === undefined ? null : { low, high }
    return { commit, at, value: figures[metric] as number, interval, node: environment?.node ?? null }
  })
  const values = points.map(({ value }) => value)
  const isRatio = metric !== 'errorRate' && values.every((value) => value > 0)
  const scaled = isRatio ? values.map(Math.log) : values
  const random = stream(1, 'change points')
  const found = changePoints(scaled, { level: LEVEL, permutations: PERMUTATIONS, uniform: () => random.uniform() })
  const ends = [0, ...found.map(({ at }) => at), values.length]
  const meanOf = (part: number) => {
    const of = scaled.slice(ends[part], ends[part + 1])
    const mean = of.reduce((sum, each) => sum + each, 0) / of.length
    return isRatio ? Math.exp(mean) : mean
  }
  const changes = found.map(({ at, p }, i): HistoryChange => {
    const { commit } = points[at] as HistoryPoint
    return { at, commit, before: meanOf(i), after: meanOf(i + 1), p }
  })
  return { name: first.name, machine: describeMachine(first), metric, points, changes }
}

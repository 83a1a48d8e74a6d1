import {
  METRICS,
  type Metric,
  newTallies,
  noCounts,
  type RecordedSegment,
  type Recording,
  segmentLatency,
  totalOf,
} from '../result/recording.js'
import { inStretches } from '../result/stretches.js'
import { tallyPercentileNs } from '../result/summary.js'
import { type CompactTally, Tally } from '../result/tally.js'
import type { NormalScenario } from '../scenario/scenario.js'
import { NS_PER_MS } from '../scenario/units.js'
import type { Serving } from './batch.js'
import type { Exits } from './exits.js'
import type { Ledger, Tallies } from './ledger.js'
import type { Losses } from './losses.js'
import type { Queue } from './queue.js'
import type { Ring } from './ring.js'
import { Sum } from './sum.js'
import type { Window } from './window.js'

/** What the threads of a run have written down. */
export interface Books {
  window: Window
  ring: Ring
  ledgers: Ledger[]
  /** the batches that are being served */
  serving(): Serving[]
  /** where the queue has limits: it, and whom it did without */
  limited: { queue: Queue; losses: Losses } | null
}

/** The books of threads, each of which serves one batch at a time. */
export const booksOf = (window: Window, ring: Ring, ledgers: Ledger[], limited: Books['limited'] = null): Books => ({
  window,
  ring,
  ledgers,
  limited,
  serving: () => ledgers.flatMap((ledger) => ledger.serving ?? []),
})

/** A request that was sent, and not served when the run ended. */
interface Unserved {
  number: number
  dueNs: number
}

/** Puts together what the threads have written down, after a run that ended at `nowNs`; they must be gone. */
export function accountOf(scenario: NormalScenario, books: Books, nowNs: number): Recording {
  const { window, ledgers } = books
  const { startNs } = window
  // who timed out since, or was turned away, has left all the same
  books.limited?.queue.settle(nowNs)
  const unserved = unservedOf(books)
  const endNs = endOf(books, unserved, nowNs)
  const segments = segmentsOf(books, unserved, endNs)
  const { tallies, fromSend } = talliesOf(ledgers)

  const clipped = (fromNs: number) => Math.max(0, endNs - Math.max(fromNs, startNs))
  const stillServing = total(books.serving(), ({ startNs }) => clipped(startNs))
  return {
    engine: 'measure',
    scenario,
    startNs,
    endNs,
    tallies,
    counts: totalOf(segments.map(({ counts }) => counts)),
    completions: total(ledgers, (ledger) => ledger.completions),
    batchSizes: batchSizesOf(ledgers),
    servingNs: scenario.servers === null ? null : total(ledgers, (ledger) => ledger.servingNs) + stillServing,
    inSystemNs: inSystemNs(books, endNs),
    staysNs:
      total(exitsOf(books), (exits) => exits.staysNs) +
      total(unserved, ({ dueNs }) => clipped(dueNs)) +
      window.unsent.below(endNs),
    inSystemAtStart: window.before(0) - total(exitsOf(books), (exits) => exits.before(0)),
    segments: 'atMost' in scenario.stop ? inStretches(segments) : segments,
    fromSend,
    findings: [],
  }
}

/**
 * What the first segments of a run show while it goes on; null for as long as requests that were due in them are under
 * way. What is only known of a whole run is as it would be if nothing were wrong.
 *
 * @param count how many segments
 */
export function accountSoFar(scenario: NormalScenario, books: Books, count: number): Recording | null {
  const { window, ledgers } = books
  if (window.firsts[count] === Number.POSITIVE_INFINITY) return null
  const endNs = window.segmentStartNs(count)
  const segments = segmentsOf(books, [], Number.POSITIVE_INFINITY, count)
  const counts = totalOf(segments.map(({ counts }) => counts))
  if (counts.completed + counts.failed + counts.rejected + counts.timedOut < counts.offered) return null
  const { tallies, fromSend } = talliesOf(ledgers, count)
  return {
    engine: 'measure',
    scenario,
    startNs: window.startNs,
    endNs,
    tallies,
    counts,
    completions: counts.completed,
    batchSizes: batchSizesOf(ledgers),
    servingNs: scenario.servers === null ? null : total(segments, (each) => each.servingNs),
    inSystemNs: tallies.latency.sum,
    staysNs: tallies.latency.sum,
    inSystemAtStart: 0,
    segments: inStretches(segments),
    fromSend,
    findings: [],
  }
}

/** The tallies of a run's segments, or of the first of them. */
function talliesOf(ledgers: Ledger[], count?: number): { tallies: Record<Metric, Tally>; fromSend: Tally } {
  const tallies = newTallies()
  const fromSend = new Tally()
  for (const ledger of ledgers) {
    for (const segment of ledger.tallies.slice(0, count)) {
      for (const metric of METRICS) tallies[metric].add(segment[metric])
      fromSend.add(segment.fromSend)
    }
  }
  return { tallies, fromSend }
}

/** Percentiles of what has completed so far of the requests due in the window; null before any has. */
export function latencySoFar({ ledgers }: Books): { p50Ms: number; p99Ms: number } | null {
  const total = new Tally()
  for (const { tallies } of ledgers) for (const { latency } of tallies) total.add(latency)
  if (total.count === 0) return null
  const at = (percentile: number) => tallyPercentileNs(total, percentile) / NS_PER_MS
  return { p50Ms: at(50), p99Ms: at(99) }
}

/** All who let requests out of the system: the servers, and the queue's limits. */
function exitsOf({ ledgers, limited }: Books): Exits[] {
  const exits = ledgers.map((ledger) => ledger.exits)
  return limited === null ? exits : [...exits, limited.losses.exits]
}

function unservedOf({ window, ring, serving, limited }: Books): Unserved[] {
  const unserved: Unserved[] = []
  for (const { numbers, size, dueNs } of serving()) {
    for (let i = 0; i < size; i++) unserved.push({ number: numbers[i] as number, dueNs: dueNs[i] as number })
  }
  if (limited !== null) return [...unserved, ...limited.queue.waiting()]
  for (let place = ring.head(window.sent); place < window.sent; place++) {
    unserved.push({ number: place, dueNs: ring.dueNs(place) })
  }
  return unserved
}

/** When the window ends: where the arrivals ended before, with the last completion, or with the run. */
function endOf(books: Books, unserved: Unserved[], nowNs: number): number {
  const { window } = books
  if (window.endNs < Number.POSITIVE_INFINITY) return window.endNs
  if (unserved.length > 0 || window.unsent.count > 0) return nowNs
  return Math.max(...exitsOf(books).map((exits) => exits.lastNs))
}

function segmentsOf(
  books: Books,
  unserved: Unserved[],
  endNs: number,
  most = Number.POSITIVE_INFINITY,
): RecordedSegment[] {
  const { window, ledgers, limited } = books
  const left = new Float64Array(window.segments)
  for (const { number } of unserved) {
    const k = window.segmentOf(number)
    if (k >= 0) left[k] = (left[k] as number) + 1
  }
  const segments: RecordedSegment[] = []
  const tallies = newTallies()
  for (let k = 0; k < Math.min(window.segments, most) && window.segmentStartNs(k) < endNs; k++) {
    const nextNs = window.segmentStartNs(k + 1)
    const last = nextNs >= endNs
    const first = window.firsts[k] as number
    const after = last ? window.due : (window.firsts[k + 1] as number)
    // what was due and never sent came last
    const unsent = Math.max(0, after - Math.max(first, window.sent))
    const departed = last
      ? total(exitsOf(books), (exits) => exits.count)
      : total(exitsOf(books), (exits) => exits.before(k + 1))
    for (const metric of METRICS) {
      tallies[metric].clear()
      for (const ledger of ledgers) tallies[metric].add((ledger.tallies[k] as Tallies)[metric])
    }
    const { latency, ...others } = tallies
    segments.push({
      startNs: window.segmentStartNs(k),
      endNs: last ? endNs : nextNs,
      counts: {
        ...noCounts(),
        offered: after - first,
        completed: latency.count,
        failed: total(ledgers, (ledger) => ledger.failedIn(k)),
        rejected: limited?.losses.in(k, 'rejected') ?? 0,
        timedOut: limited?.losses.in(k, 'timedOut') ?? 0,
        unfinished: (left[k] as number) + unsent,
      },
      inSystem: (last ? window.due : window.before(k + 1)) - departed,
      batches: total(ledgers, (ledger) => ledger.startedIn(k).batches),
      batched: total(ledgers, (ledger) => ledger.startedIn(k).batched),
      servingNs: total(ledgers, (ledger) => ledger.startedIn(k).servingNs),
      latency: segmentLatency(latency),
      others: compact(others),
    })
  }
  return segments
}

function compact(tallies: Partial<Record<Metric, Tally>>): Partial<Record<Metric, CompactTally>> {
  return Object.fromEntries(Object.entries(tallies).map(([metric, tally]) => [metric, tally.compact()]))
}

function batchSizesOf(ledgers: Ledger[]): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const ledger of ledgers) {
    ledger.batchSizes.forEach((batches, size) => {
      if (batches > 0) sizes.set(size, (sizes.get(size) ?? 0) + batches)
    })
  }
  return sizes
}

/**
 * The number of requests in the system, integrated over the window: each is in it from when it was due to when it
 * left. The generator's sum of the one, and the servers' of the other, know nothing of single requests.
 */
function inSystemNs(books: Books, endNs: number): number {
  const { window } = books
  const inside = new Sum()
  inside.addAll(window.arrived)
  for (const { departed } of exitsOf(books)) inside.addAll(departed, -1)
  const atStart = window.early - total(exitsOf(books), (exits) => exits.before(0))
  return inside.below(endNs) + atStart * (endNs - window.startNs)
}

function total<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0)
}

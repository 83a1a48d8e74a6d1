import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { real } from '../../clock/real.js'
import type { GcPauses } from '../../result/host.js'
import type { Window } from '../recording/window.js'

const KINDS = {
  minor: constants.NODE_PERFORMANCE_GC_MINOR,
  major: constants.NODE_PERFORMANCE_GC_MAJOR,
  incremental: constants.NODE_PERFORMANCE_GC_INCREMENTAL,
  weak: constants.NODE_PERFORMANCE_GC_WEAKCB,
}
type GcEntry = PerformanceEntry & { detail: NodeGCPerformanceDetail }
const ORDER = Object.keys(KINDS) as (keyof typeof KINDS)[]

const COUNT = 0
const TOTAL = 1
const LONGEST = 2
const KIND = 3
/** The length of the array of a thread's pauses. */
export const GC_LENGTH = KIND + ORDER.length

/** Records the part of a pause that is in the window. */
export function recordPause(values: Float64Array, window: Window, kind: number, fromNs: number, untilNs: number): void {
  const ns = Math.min(untilNs, window.endNs) - Math.max(fromNs, window.startNs)
  if (!(ns > 0)) return
  const which = KIND + ORDER.findIndex((name) => KINDS[name] === kind)
  values[COUNT] = (values[COUNT] as number) + 1
  values[TOTAL] = (values[TOTAL] as number) + ns
  values[LONGEST] = Math.max(values[LONGEST] as number, ns)
  if (which >= KIND) values[which] = (values[which] as number) + 1
}

/**
 * Records this thread's garbage collection pauses in the window into `values`, in memory that outlives the thread. Node
 * reports them in a macrotask.
 *
 * ```
 * values: | count | total ns | longest ns | count of each kind: minor, major, incremental, weak |
 * ```
 *
 * @param originNs the time of `process.hrtime.bigint()` at the start of the run
 * @returns a function that stops watching, after the last pauses are recorded
 */
export function watchGc(values: Float64Array, window: Window, originNs: bigint): () => Promise<void> {
  // performance.now() ticks like hrtime, but its origin differs between threads
  const offsetNs = Number(real.hrtimeNs() - originNs) - real.now() * 1e6
  const count = (entries: readonly PerformanceEntry[]) => {
    for (const { startTime, duration, detail } of entries as readonly GcEntry[]) {
      const fromNs = startTime * 1e6 + offsetNs
      recordPause(values, window, detail.kind as number, fromNs, fromNs + duration * 1e6)
    }
  }
  const observer = new PerformanceObserver((list) => count(list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  return async () => {
    await new Promise((resolve) => real.setImmediate(resolve))
    count(observer.takeRecords())
    observer.disconnect()
  }
}

/** Summarizes a thread's pauses. */
export function summarizePauses(thread: string, values: Float64Array): GcPauses {
  const kinds = Object.fromEntries(ORDER.map((name, i) => [name, values[KIND + i]])) as unknown as GcPauses['kinds']
  const [count, total, longest] = values as unknown as [number, number, number]
  return { thread, count, totalMs: total / 1e6, longestMs: longest / 1e6, kinds }
}

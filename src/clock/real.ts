import { performance } from 'node:perf_hooks'
import { hrtime } from 'node:process'
import { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from 'node:timers'

const { bigint } = hrtime

/**
 * Node's own timers and clocks, saved when this module loads, so that fakes installed later do not affect them. Use them
 * for everything that must keep running under fake timers: threads, measuring, watchdogs.
 */
export const real = {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  setImmediate,
  clearImmediate,
  queueMicrotask: globalThis.queueMicrotask,
  /** milliseconds since this thread started */
  now: performance.now.bind(performance) as () => number,
  /** milliseconds since 1970, by the clock of the machine */
  wallMs: Date.now,
  /** nanoseconds on the clock that all threads of this process share */
  hrtimeNs: bigint as () => bigint,
} as const

/** Whether `real` holds real timers. It does not if this module was loaded while timers were faked; they would never fire. */
export function hasRealTimers(): boolean {
  const count = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = count()
  const timer = real.setTimeout(() => {}, 1000)
  const isReal = count() > before
  real.clearTimeout(timer)
  return isReal
}

import { performance } from 'node:perf_hooks'
import { hrtime } from 'node:process'
import { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from 'node:timers'

const { bigint } = hrtime

/**
 * Node's own timers and clocks, kept when this module is loaded: time that a test fakes later does not change them. Use
 * them for whatever must go on under fake timers: threads, measuring, giving up on a machine that hangs.
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
  /** nanoseconds on the one clock that all threads of this process fraction */
  hrtimeNs: bigint as () => bigint,
} as const

/**
 * Whether `real` holds what its name says. It does not if this module was first loaded while timers were faked, and
 * then nothing here would ever be called back.
 */
export function keptRealTimers(): boolean {
  const count = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = count()
  const timer = real.setTimeout(() => {}, 1000)
  const isReal = count() > before
  real.clearTimeout(timer)
  return isReal
}

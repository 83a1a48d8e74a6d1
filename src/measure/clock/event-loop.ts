import { real } from '../../clock/real.js'
import { type Clock, clockFrom } from './clock.js'

/** The event loop as servers in this process use it: to yield, and to wait. */
export interface EventLoop {
  clock: Clock
  /** Calls back in a microtask, after promises that have already settled. */
  microtask(callback: () => void): void
  /** Calls back in a macrotask, after timers and I/O had a chance to run. */
  macrotask(callback: () => void): void
  /** Calls back at a time or shortly after it. Returns a function that cancels it. */
  at(ns: number, callback: () => void): () => void
  /** Calls back up to some milliseconds after a time. Returns a function that cancels it. */
  after(ns: number, callback: () => void): () => void
}

/** When an event loop sleeps and when it polls; `bench/studies/pacing.ts` compares other rules. */
export const PACING = {
  /** a timer fires up to this late */
  timerNs: 1_200_000,
  /** polling may take this fraction of the time, and use up to this much unused allowance at once */
  polling: 0.2,
  allowanceNs: 20_000_000,
}
const SETTLED = Promise.resolve()
/** The longest delay of one timer. */
const LONGEST_MS = 2 ** 30

/**
 * Creates an event loop that waits with a timer until shortly before a time, and then polls with immediates, which are
 * exact to some microseconds but keep a core busy. Polling takes at most a fifth of the time: if times follow one another
 * too fast for that, only timers are used, which fire up to a millisecond late.
 *
 * @param spinNs how long before a time the loop starts to poll, in addition to how late a timer may be; 0 for never
 */
export function createEventLoop(originNs: bigint, spinNs: number): EventLoop {
  const clock = clockFrom(originNs)
  const { timerNs, polling, allowanceNs: maxNs } = PACING
  let allowanceNs = maxNs
  let updatedNs = clock()
  /** How long the loop may poll from now on. */
  const allowedNs = (nowNs: number) => {
    allowanceNs = Math.min(maxNs, allowanceNs + polling * (nowNs - updatedNs))
    updatedNs = nowNs
    return allowanceNs
  }
  return {
    clock,
    // a reaction to a promise: `queueMicrotask` makes an async resource for each call, at several times the cost
    microtask: (callback) => void SETTLED.then(callback),
    macrotask: real.setImmediate,
    at(ns, callback) {
      let timer: NodeJS.Timeout | undefined
      let immediate: NodeJS.Immediate | undefined
      /** since when it polls; NaN while a timer is set */
      let pollingNs = Number.NaN
      const check = () => {
        const nowNs = clock()
        const leftNs = ns - nowNs
        if (pollingNs > 0) allowanceNs -= nowNs - pollingNs
        pollingNs = Number.NaN
        if (leftNs <= 0) {
          callback()
          return
        }
        const nearNs = spinNs === 0 ? 0 : Math.min(timerNs + spinNs, Math.max(0, allowedNs(nowNs)))
        if (leftNs > nearNs) timer = real.setTimeout(check, Math.min(Math.ceil((leftNs - nearNs) / 1e6), LONGEST_MS))
        else {
          pollingNs = nowNs
          immediate = real.setImmediate(check)
        }
      }
      // never synchronously, so that the caller has the cancel function first
      if (ns <= clock()) immediate = real.setImmediate(callback)
      else check()
      return () => {
        real.clearTimeout(timer)
        real.clearImmediate(immediate)
      }
    },
    after(ns, callback) {
      const leftMs = Math.max(0, (ns - clock()) / 1e6)
      const timer = real.setTimeout(callback, Math.min(Math.ceil(leftMs), LONGEST_MS))
      return () => real.clearTimeout(timer)
    },
  }
}

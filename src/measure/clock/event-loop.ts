import { real } from '../../clock/real.js'
import { type Clock, clockFrom } from './clock.js'

/** How servers in this process let others have their turn, and time pass. */
export interface EventLoop {
  clock: Clock
  /** Calls back when what is going on is done, promises that have settled included. */
  microtask(callback: () => void): void
  /** Calls back when the event loop has turned. */
  macrotask(callback: () => void): void
  /** Calls back at a time or shortly after it. Returns what cancels it. */
  at(ns: number, callback: () => void): () => void
  /** Calls back some milliseconds after a time, for what need not be exact. Returns what cancels it. */
  after(ns: number, callback: () => void): () => void
}

/** When an event loop sleeps and when it turns; `bench/pacing.ts` tries other rules. */
export const PACING = {
  /** a timer fires up to this late */
  timerNs: 1_200_000,
  /** turning may take this fraction of the time, and this much of what was saved up */
  turning: 0.2,
  savedNs: 20_000_000,
}
/** The longest that a timer is set for at a time. */
const LONGEST_MS = 2 ** 30

/**
 * An event loop that paces itself: a timer until shortly before a time, and then turns of the loop, which are exact to
 * some microseconds but keep a core busy. Turning takes at most a fifth of the time: if times follow one another faster
 * than that allows, timers alone pace them, and they are up to a millisecond late.
 *
 * @param spinNs how long before a time the loop begins to turn, on top of how late a timer may be; 0 for never
 */
export function eventLoop(originNs: bigint, spinNs: number): EventLoop {
  const clock = clockFrom(originNs)
  const { timerNs, turning, savedNs: mostNs } = PACING
  let savedNs = mostNs
  let savedAtNs = clock()
  /** How long the loop may turn from now on. */
  const allowedNs = (nowNs: number) => {
    savedNs = Math.min(mostNs, savedNs + turning * (nowNs - savedAtNs))
    savedAtNs = nowNs
    return savedNs
  }
  return {
    clock,
    microtask: real.queueMicrotask,
    macrotask: real.setImmediate,
    at(ns, callback) {
      let timer: NodeJS.Timeout | undefined
      let immediate: NodeJS.Immediate | undefined
      /** since when it turns; NaN while a timer is set */
      let turningNs = Number.NaN
      const check = () => {
        const nowNs = clock()
        const leftNs = ns - nowNs
        if (turningNs > 0) savedNs -= nowNs - turningNs
        turningNs = Number.NaN
        if (leftNs <= 0) {
          callback()
          return
        }
        const nearNs = spinNs === 0 ? 0 : Math.min(timerNs + spinNs, Math.max(0, allowedNs(nowNs)))
        if (leftNs > nearNs) timer = real.setTimeout(check, Math.min(Math.ceil((leftNs - nearNs) / 1e6), LONGEST_MS))
        else {
          turningNs = nowNs
          immediate = real.setImmediate(check)
        }
      }
      // never within the call, so that what cancels it is known first
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

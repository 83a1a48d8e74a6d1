import { type Clock, clockFrom } from './clock.js'

/** How servers in this process let others have their turn, and time pass. */
export interface EventLoop {
  clock: Clock
  /** Calls back when what is going on is done, promises that have settled included. */
  soon(callback: () => void): void
  /** Calls back when the event loop has turned. */
  turn(callback: () => void): void
  /** Calls back at a time or shortly after it. Returns what calls it off. */
  at(ns: number, callback: () => void): () => void
}

/** A timer ends up to so much too late. */
const TIMER_NS = 1_500_000
/** The longest that a timer is set for at a time. */
const LONGEST_MS = 2 ** 30

/**
 * @param spinNs for how long before a time the event loop turns rather than sleeps, beyond what a timer is late by; 0
 * for never
 */
export function eventLoop(originNs: bigint, spinNs: number): EventLoop {
  const clock = clockFrom(originNs)
  return {
    clock,
    soon: queueMicrotask,
    turn: setImmediate,
    at(ns, callback) {
      let timer: NodeJS.Timeout | undefined
      let immediate: NodeJS.Immediate | undefined
      const look = () => {
        const left = ns - clock()
        if (left <= 0) callback()
        else if (spinNs === 0) sleep(left)
        else if (left > TIMER_NS + spinNs) sleep(left - TIMER_NS - spinNs)
        else immediate = setImmediate(look)
      }
      const sleep = (forNs: number) => {
        timer = setTimeout(look, Math.min(Math.ceil(forNs / 1e6), LONGEST_MS))
      }
      look()
      return () => {
        clearTimeout(timer)
        clearImmediate(immediate)
      }
    },
  }
}

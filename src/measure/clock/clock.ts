import { real } from '../../clock/real.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'

/** Reads the time, in whole nanoseconds from the start of the run. */
export type Clock = () => number

/**
 * Creates a clock that is the same in all threads; the origin of `performance.now()` differs between threads.
 *
 * @param originNs the time of `process.hrtime.bigint()` at the start of the run
 */
export const clockFrom =
  (originNs: bigint): Clock =>
  () =>
    Number(real.hrtimeNs() - originNs)

/** A clock that reads 0 until all threads of a run are ready, when `start` sets its time 0. */
export class RunClock {
  #read: Clock = () => 0
  /** time 0 by the clock of the machine, in milliseconds since 1970 */
  startedAtMs = Number.NaN

  /** @param originNs the time of `process.hrtime.bigint()` at the start of the run */
  start(originNs: bigint): void {
    this.#read = clockFrom(originNs)
    this.startedAtMs = real.wallMs() - this.#read() / NS_PER_MS
  }

  readonly now: Clock = () => this.#read()
}

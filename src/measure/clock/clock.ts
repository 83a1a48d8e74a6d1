import { real } from '../../clock/real.js'
/** Reads the time, in whole nanoseconds from the start of the run. */
export type Clock = () => number

/**
 * The one clock that all threads share: `performance.now()` has an origin of its own in each.
 *
 * @param originNs the time of `process.hrtime.bigint()` at the start of the run
 */
export const clockFrom =
  (originNs: bigint): Clock =>
  () =>
    Number(real.hrtimeNs() - originNs)

/** A clock whose time 0 is set when all threads of a run are ready; it stands at 0 until then. */
export class RunClock {
  #read: Clock = () => 0

  /** @param originNs the time of `process.hrtime.bigint()` at the start of the run */
  start(originNs: bigint): void {
    this.#read = clockFrom(originNs)
  }

  readonly now: Clock = () => this.#read()
}

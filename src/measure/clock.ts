/** A reading of the time, in whole nanoseconds from the start of the run. */
export type Clock = () => number

/**
 * The one clock that all threads share: `performance.now()` has an origin of its own in each.
 *
 * @param originNs the time of `process.hrtime.bigint()` at the start of the run
 */
export const clockFrom =
  (originNs: bigint): Clock =>
  () =>
    Number(process.hrtime.bigint() - originNs)

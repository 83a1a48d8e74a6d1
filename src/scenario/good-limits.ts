import { nanoseconds } from './nanoseconds.js'
import { LIMITED_TIMES, type LimitedTime, RESPONSE_TIMES, type ResponseTime, type Time } from './times.js'

/** The times of requests in whole nanoseconds: one for each request, or the same for all. Engines without times of responses refuse limits on them. */
export type RequestTimes = Record<Time, Float64Array | number> & { [T in ResponseTime]?: Float64Array | undefined }

/** Which times of responses are limited. */
export const responseTimesIn = (good: { [T in ResponseTime]?: unknown } | undefined): ResponseTime[] =>
  RESPONSE_TIMES.filter((time) => good?.[time] !== undefined)

/** Fills `into` with each value as many times as there are requests of it. */
export function repeatValues(into: Float64Array, values: Float64Array, times: Float64Array, length: number): void {
  let from = 0
  for (let i = 0; i < length; i++) {
    const to = from + (times[i] as number)
    into.fill(values[i] as number, from, to)
    from = to
  }
}

/** Counts the requests that met all limits, one by one. The engines and the live recorder all call this. */
export class GoodLimits {
  readonly #limits: [time: LimitedTime, ns: number][]
  /** after `count`: 1 for each request that was not good */
  bad = new Uint8Array(0)

  constructor(good: { [T in LimitedTime]?: number | undefined }) {
    this.#limits = LIMITED_TIMES.flatMap((time) => {
      const ms = good[time]
      return ms === undefined ? [] : [[time, nanoseconds(ms)] as [LimitedTime, number]]
    })
  }

  /** How many of the first `n` requests took at most as long as every limit. */
  count(times: RequestTimes, n: number): number {
    if (this.bad.length < n) this.bad = new Uint8Array(n)
    const { bad } = this
    bad.fill(0, 0, n)
    for (const [time, limitNs] of this.#limits) {
      const values = times[time] ?? 0
      if (typeof values === 'number') {
        if (values > limitNs) bad.fill(1, 0, n)
        continue
      }
      for (let i = 0; i < n; i++) if ((values[i] as number) > limitNs) bad[i] = 1
    }
    let good = n
    for (let i = 0; i < n; i++) good -= bad[i] as number
    return good
  }
}

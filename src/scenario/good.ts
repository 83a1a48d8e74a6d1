import {
  cannotBeSimulated,
  LIMITED_TIMES,
  type LimitedTime,
  noEvents,
  RESPONSE_TIMES,
  type ResponseTime,
  type Time,
} from './budget.js'
import { type Duration, duration, nanoseconds, options } from './units.js'

const limit = duration.optional()

/** The schema of the limits that make a request good; the times of a request that can be limited are its keys. */
export const goodSchema = options(
  Object.fromEntries(LIMITED_TIMES.map((time) => [time, limit])) as Record<LimitedTime, typeof limit>,
).refine((given) => LIMITED_TIMES.some((time) => given[time] !== undefined), {
  error: `must limit at least one time of a request, such as { latency: '100ms' }; accepted: ${LIMITED_TIMES.join(', ')}`,
})

/** The longest times of a request that is good; `between` is the longest gap between events of its response. */
export type GoodInput = { [T in LimitedTime]?: Duration | undefined }
/** The same in milliseconds. */
export type Good = { [T in LimitedTime]?: number | undefined }

/** Which times of responses are limited. */
export const responseTimesIn = (good: GoodInput | undefined): ResponseTime[] =>
  RESPONSE_TIMES.filter((time) => good?.[time] !== undefined)

/**
 * Refuses limits on times of responses in a simulation.
 *
 * @throws ValidationError
 */
export function refuseSimulated(good: Good | undefined): void {
  const [time] = responseTimesIn(good)
  if (time !== undefined) throw cannotBeSimulated(`good.${time}`)
}

/**
 * Refuses a limit on the gaps between events if the target does not read events.
 *
 * @throws ValidationError
 */
export function refuseWithoutEvents(good: Good | undefined, hasEvents: boolean): void {
  if (good?.between !== undefined && !hasEvents) throw noEvents('good.between')
}

/** The first limited time that no response had, so that nothing can be judged by it; null if all were there. */
export const unknownTime = (good: Good | undefined, isKnown: (time: ResponseTime) => boolean): ResponseTime | null =>
  responseTimesIn(good).find((time) => !isKnown(time)) ?? null

/** The times of requests in whole nanoseconds: one for each request, or the same for all. Engines without times of responses refuse limits on them. */
export type RequestTimes = Record<Time, Float64Array | number> & { [T in ResponseTime]?: Float64Array | undefined }

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

  constructor(good: Good) {
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

import { cannotBeSimulated, noEvents } from './budget.js'
import { responseTimesIn } from './good-limits.js'
import { LIMITED_TIMES, type LimitedTime, type ResponseTime } from './times.js'
import { type Duration, duration, options } from './units.js'

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

import { RESPONSE_TIMES, type ResponseTime } from '../scenario/times.js'
import type { LatencyPart } from '../text/parts.js'
import type { Result } from './result.js'
import type { Summary } from './summary.js'

const PARTS = [
  ['lag', 'lagMs', 'the event loop was late'],
  ['queueing', 'queueingMs', 'no server was idle'],
  ['batching', 'batchingMs', 'the batch was filling'],
  ['dispatch', 'dispatchMs', 'the server was waking'],
  ['service', 'serviceMs', 'being served'],
] as const

/** The parts of the mean latency that took any time, in the order in which a request passes them. */
export function partsOf(result: Pick<Result, (typeof PARTS)[number][1]>): LatencyPart[] {
  const parts = PARTS.map(([name, key, meaning]) => ({ name, meaning, ms: result[key].mean }))
  return parts.filter(({ name, ms }) => ms > 0 || name === 'service')
}

/** The times of responses that a result or one of its classes has, by name. */
export const responseTimesOf = (of: Pick<Result, `${ResponseTime}Ms`>): [ResponseTime, Summary][] =>
  RESPONSE_TIMES.flatMap((time) => {
    const summary = of[`${time}Ms`]
    return summary === undefined ? [] : [[time, summary]]
  })

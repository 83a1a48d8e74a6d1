/** The times that a budget can limit: latency, and its parts. */
export const TIMES = ['latency', 'wait', 'service', 'lag', 'queueing', 'batching', 'dispatch'] as const
export type Time = (typeof TIMES)[number]
/** The times of responses that begin before they end: until the first event, and the gaps between events. Only measurements have them. */
export const RESPONSE_TIMES = ['first', 'between'] as const
export type ResponseTime = (typeof RESPONSE_TIMES)[number]
/** All times that can be limited. */
export const LIMITED_TIMES = [...TIMES, ...RESPONSE_TIMES] as const
export type LimitedTime = (typeof LIMITED_TIMES)[number]

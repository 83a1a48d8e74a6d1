import { MOST_REQUESTS, options, positiveDuration, whole } from './units.js'

/** The schema of queue limits: how many requests may wait, and for how long; null means no limit. */
const queueSchema = options({
  capacity: whole(0, MOST_REQUESTS, 'null means no limit').nullable().default(null),
  timeout: positiveDuration.nullable().default(null),
})

export const queueOption = queueSchema.default({ capacity: null, timeout: null })

/** The largest number of servers that are threads. */
export const MOST_THREADS = 1000
/** The schema of the number of servers of a live service. */
export const threadsSchema = whole(1, MOST_THREADS)
/** The largest number of servers of a scenario, such as HTTP requests in flight. */
export const MOST_SERVERS = 100_000
/** The schema of the number of servers of a scenario: how many batches can be served at a time. */
export const serversSchema = whole(1, MOST_SERVERS)

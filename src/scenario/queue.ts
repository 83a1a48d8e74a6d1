import { MOST_REQUESTS, options, positiveDuration, whole } from './units.js'

/** The schema of queue limits: how many requests may wait, and for how long; null means no limit. */
const queueSchema = options({
  capacity: whole(0, MOST_REQUESTS, 'null means no limit').nullable().default(null),
  timeout: positiveDuration.nullable().default(null),
})

export const queueOption = queueSchema.default({ capacity: null, timeout: null })

/** The schema of the number of servers: how many batches can be served at a time. */
export const serversSchema = whole(1, 1000)

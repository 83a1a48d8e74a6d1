import { MOST_REQUESTS, options, positiveDuration, whole } from './units.js'

/** How many requests may wait, and for how long; null is no limit. */
const queueSchema = options({
  capacity: whole(0, MOST_REQUESTS, 'null is no limit').nullable().default(null),
  timeout: positiveDuration.nullable().default(null),
})

export const queueOption = queueSchema.default({ capacity: null, timeout: null })

/** How many batches can be served at a time. */
export const serversSchema = whole(1, 1000)

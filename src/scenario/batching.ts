import type { z } from 'zod'
import type { Policy } from './policy.js'
import { duration, nanoseconds, options, whole } from './units.js'

/** When a batch leaves: how large it may be, and how long its oldest request may wait for it to fill. */
const batchingSchema = options({
  maxBatchSize: whole(1, 1_000_000, 'null is no limit, and leaving batching out serves one at a time')
    .nullable()
    .default(1),
  maxWait: duration.nullable().default(0),
}).refine((batching) => batching.maxBatchSize !== null || batching.maxWait !== null, {
  error: 'maxBatchSize and maxWait cannot both be null: no batch would ever leave',
})
export type Batching = z.output<typeof batchingSchema>

/** One request at a time, where nothing is said of it. */
export const batchingOption = batchingSchema.default({ maxBatchSize: 1, maxWait: 0 })

export { deadline, decide, type Policy } from './policy.js'

export function policyOf(batching: Batching): Policy {
  return {
    maxBatchSize: batching.maxBatchSize ?? Number.POSITIVE_INFINITY,
    maxWaitNs: batching.maxWait === null ? Number.POSITIVE_INFINITY : nanoseconds(batching.maxWait),
  }
}

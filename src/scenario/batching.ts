import type { z } from 'zod'
import { duration, options, whole } from './units.js'

/**
 * The schema of a batching policy: the largest batch, and how long its oldest request waits for it to fill.
 *
 * @param size the default of `maxBatchSize`
 */
export const batchingOf = (size: number) =>
  options({
    maxBatchSize: whole(1, 1_000_000, `null means no limit, the default is ${size}`)
      .nullable()
      .optional()
      .meta({ default: size }),
    maxWait: duration.nullable().default(0),
  })
    .superRefine(({ maxBatchSize, maxWait }, context) => {
      if (maxBatchSize !== undefined || maxWait === 0 || (maxWait === null && size > 1)) return
      context.issues.push({
        code: 'custom',
        message: 'is required with maxWait: the largest number of requests in a batch, such as 32; null for no limit',
        input: maxBatchSize,
        path: ['maxBatchSize'],
      })
    })
    .transform((batching) => ({
      ...batching,
      maxBatchSize: batching.maxBatchSize === undefined ? size : batching.maxBatchSize,
    }))
    .refine((batching) => batching.maxBatchSize !== null || batching.maxWait !== null, {
      error: 'maxBatchSize and maxWait cannot both be null; no batch would ever leave',
    })
    .default({ maxBatchSize: size, maxWait: 0 })

/** Batching that serves one request at a time by default. */
export const batchingOption = batchingOf(1)
export type Batching = z.output<typeof batchingOption>

const STATUS = {
  QUEUE_FULL: 503,
  QUEUE_TIMEOUT: 503,
  CLOSED: 503,
  BAD_OUTPUT: 500,
  THREAD_DIED: 500,
  BATCH_TIMEOUT: 504,
} as const

/**
 * Why a batcher did not answer a call.
 * - `QUEUE_FULL`, `QUEUE_TIMEOUT`: it was not served, as too many calls waited or it waited too long.
 * - `CLOSED`: the batcher was closed, or closing took longer than its `timeout`.
 * - `BAD_OUTPUT`: the handler did not return one output for each call of the batch.
 * - `THREAD_DIED`: the thread that served it exited.
 * - `BATCH_TIMEOUT`: its batch took longer than `batchTimeout`.
 */
export type BatcherErrorCode = keyof typeof STATUS

/**
 * The error of a call that a batcher did not answer. An HTTP server responds with its `statusCode`, as Fastify does without
 * a catch: 503, 500 for `BAD_OUTPUT` and `THREAD_DIED`, and 504 for `BATCH_TIMEOUT`.
 *
 * @example
 * import { BatcherError, createBatcher } from 'throughline/serve'
 *
 * const batcher = createBatcher((batch: number[]) => batch)
 * await batcher.close()
 * try {
 *   await batcher.run(1)
 * } catch (error) {
 *   if (error instanceof BatcherError) console.log(error.code, error.statusCode) // CLOSED 503
 * }
 */
export class BatcherError extends Error {
  override readonly name = 'BatcherError'
  readonly code: BatcherErrorCode
  readonly statusCode: 500 | 503 | 504

  constructor(code: BatcherErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.statusCode = STATUS[code]
  }
}

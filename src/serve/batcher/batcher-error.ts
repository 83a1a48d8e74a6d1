const STATUS = {
  QUEUE_FULL: 503,
  QUEUE_TIMEOUT: 503,
  CLOSED: 503,
  BAD_OUTPUT: 500,
  THREAD_DIED: 500,
  BATCH_TIMEOUT: 504,
} as const

/** Why a batcher did not answer a call: the first three never reached the handler, or were given up by `close`. */
export type BatcherErrorCode = keyof typeof STATUS

/**
 * A call that a batcher did not answer. `statusCode` is what an HTTP server answers with, so that Fastify does so
 * without a catch: 503; 500 where the handler's outputs were not one a request, or its thread ended; and 504 where the
 * batch took longer than `batchTimeout`.
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

import type { MessagePort } from 'node:worker_threads'
import type { SerializedError } from './serialized-error.js'

/** The task that starts a server's thread. */
export interface ServeTask {
  /** batches come from here, and answers are sent there */
  port: MessagePort
  /** the URL of the handler's module */
  handler: string
  batchTimeoutMs: number
}

/** A message to a thread: serve a batch, or tear down. */
export type ThreadRequest = { inputs: unknown[]; classes: readonly string[] } | { teardown: true }

/** Its answer: the outputs, with the errors among them apart, or what went wrong. */
export type ThreadResponse =
  | { startNs: number; outputs: unknown[]; errors: OutputError[] }
  | { startNs: number; error: SerializedError }
  | { startNs: number; badOutput: string }
  | { startNs: number; timeout: string }
  | { teardown: Error | null }

/** An output that is an error, or that could not be cloned. */
export interface OutputError {
  index: number
  error: SerializedError
}

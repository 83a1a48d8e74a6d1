import type { MessagePort } from 'node:worker_threads'
import { portable } from '../../handler/portable.js'
import { isError } from '../../validation/realm.js'

/** What a server's thread is told as it begins. */
export interface AttendTask {
  /** where batches come from, and answers go */
  port: MessagePort
  /** the URL of the handler's module */
  handler: string
  batchTimeoutMs: number
}

/** What a thread is asked: to serve a batch, or to tear down. */
export type Question = { inputs: unknown[] } | { teardown: true }

/** What it answers: outputs, with what cloning takes from those that are errors; or what went wrong. */
export type Answer =
  | { startNs: number; outputs: unknown[]; errors: CarriedError[] }
  | { startNs: number; error: CarriedError }
  | { startNs: number; badOutput: string }
  | { startNs: number; late: string }
  | { teardown: Error | null }

/** An error on its way between threads: cloning keeps what it says, and not its other fields (`code`, `statusCode`). */
export interface CarriedError {
  /** which output it is */
  index: number
  error: Error
  fields: Record<string, unknown>
}

export function carry(thrown: unknown, index = 0): CarriedError {
  return { index, error: portable(thrown), fields: fieldsOf(thrown) }
}

export function unpack({ error, fields }: CarriedError): Error {
  return Object.assign(error, fields)
}

function fieldsOf(thrown: unknown): Record<string, unknown> {
  try {
    return isError(thrown) ? structuredClone({ ...thrown }) : {}
  } catch {
    return {}
  }
}

import { toPortableError } from '../../../handler/portable.js'
import { isError } from '../../../validation/realm.js'

/** An error sent from thread to thread: cloning alone would drop its own fields, such as `code` and `statusCode`. */
export interface SerializedError {
  error: Error
  fields: Record<string, unknown>
}

export function serializeError(thrown: unknown): SerializedError {
  return { error: toPortableError(thrown), fields: fieldsOf(thrown) }
}

export function deserializeError({ error, fields }: SerializedError): Error {
  return Object.assign(error, fields)
}

function fieldsOf(thrown: unknown): Record<string, unknown> {
  try {
    return isError(thrown) ? structuredClone({ ...thrown }) : {}
  } catch {
    return {}
  }
}

import { isError } from '../validation/realm.js'

/** Longer messages and stacks are cut, since they are copied between threads and stored in every result. */
const MOST_CHARACTERS = 10_000

/** Returns an error that can be sent to another thread: a plain one if it cannot be cloned, and never a long one. */
export function toPortableError(thrown: unknown): Error {
  try {
    const error = isError(thrown) ? thrown : new Error(String(thrown), { cause: thrown })
    if (isLong(error) || isLong(error.cause)) return toPlainError(error)
    // a DOMException is cloned as an empty object
    return structuredClone(error) instanceof Error ? error : toPlainError(error)
  } catch {
    return toPlainError(thrown)
  }
}

/** Returns a plain error of the same message and stack. Getters and proxies may throw. */
function toPlainError(thrown: unknown): Error {
  try {
    if (!isError(thrown)) return new Error(cut(String(thrown)))
    const error = new Error(cut(String(thrown.message)))
    error.stack = cut(String(thrown.stack ?? error.message))
    return error
  } catch {
    return new Error(`a value of type ${typeof thrown} was thrown, which cannot be read`)
  }
}

const isLong = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.length > MOST_CHARACTERS
    : isError(value) && (isLong(value.message) || isLong(value.stack))

function cut(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text
  return `${text.slice(0, MOST_CHARACTERS)} … (${text.length.toLocaleString('en')} characters in total)`
}

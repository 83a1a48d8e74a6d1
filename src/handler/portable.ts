import { isError } from '../validation/realm.js'

/** More of an error's message, and of its stack, is cut: it would be copied between threads, and stored in every result. */
const MOST_CHARACTERS = 10_000

/** An error that can be sent from thread to thread: only what it says, if not all of it can, and no more than is read. */
export function portable(thrown: unknown): Error {
  try {
    const error = isError(thrown) ? thrown : new Error(String(thrown), { cause: thrown })
    if (isLong(error) || isLong(error.cause)) return plain(error)
    // a DOMException arrives as an object without anything
    return structuredClone(error) instanceof Error ? error : plain(error)
  } catch {
    return plain(thrown)
  }
}

/** What it says, if it can be asked at all: getters and proxies may throw. */
function plain(thrown: unknown): Error {
  try {
    if (!isError(thrown)) return new Error(cut(String(thrown)))
    const error = new Error(cut(String(thrown.message)))
    error.stack = cut(String(thrown.stack ?? error.message))
    return error
  } catch {
    return new Error(`a ${typeof thrown} was thrown that cannot be shown`)
  }
}

const isLong = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.length > MOST_CHARACTERS
    : isError(value) && (isLong(value.message) || isLong(value.stack))

function cut(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text
  return `${text.slice(0, MOST_CHARACTERS)} … (${text.length.toLocaleString('en')} characters in all)`
}

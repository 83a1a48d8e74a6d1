/** An error that can be sent from thread to thread: only what it says, where not all of it can. */
export function portable(thrown: unknown): Error {
  try {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
    // a DOMException arrives as an object without anything
    return structuredClone(error) instanceof Error ? error : plain(thrown)
  } catch {
    return plain(thrown)
  }
}

/** What it says, where it can be asked at all: getters and proxies may throw. */
function plain(thrown: unknown): Error {
  try {
    if (!(thrown instanceof Error)) return new Error(String(thrown))
    const error = new Error(String(thrown.message))
    error.stack = String(thrown.stack ?? error.message)
    return error
  } catch {
    return new Error(`a ${typeof thrown} was thrown that cannot be shown`)
  }
}

/** The callbacks of a signal, and the one listener that calls them. */
interface Callbacks {
  all: Set<() => void>
  listener: () => void
}

const callbacksOf = new WeakMap<AbortSignal, Callbacks>()

/**
 * Calls back when a signal aborts. A signal gets one listener for all of its callbacks, since Node warns of a leak at more
 * than ten.
 *
 * @returns removes the callback
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = callbacksOf.get(signal) ?? listenTo(signal)
  // the same function may be passed twice
  const own = () => callback()
  callbacks.all.add(own)
  return () => {
    callbacks.all.delete(own)
    if (callbacks.all.size > 0 || callbacksOf.get(signal) !== callbacks) return
    callbacksOf.delete(signal)
    signal.removeEventListener('abort', callbacks.listener)
  }
}

function listenTo(signal: AbortSignal): Callbacks {
  const all = new Set<() => void>()
  const listener = () => {
    callbacksOf.delete(signal)
    for (const each of all) each()
  }
  const callbacks = { all, listener }
  callbacksOf.set(signal, callbacks)
  signal.addEventListener('abort', listener, { once: true })
  return callbacks
}

/** What is to be called when a signal aborts, and what listens to it for all of them. */
interface Callbacks {
  all: Set<() => void>
  listener: () => void
}

const known = new WeakMap<AbortSignal, Callbacks>()

/**
 * Calls back when a signal aborts. However many callbacks a signal has, it has one listener: of more than ten Node would
 * warn that they leak.
 *
 * @returns calls it off
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = known.get(signal) ?? listenTo(signal)
  // a function may be given twice
  const own = () => callback()
  callbacks.all.add(own)
  return () => {
    callbacks.all.delete(own)
    if (callbacks.all.size > 0 || known.get(signal) !== callbacks) return
    known.delete(signal)
    signal.removeEventListener('abort', callbacks.listener)
  }
}

function listenTo(signal: AbortSignal): Callbacks {
  const all = new Set<() => void>()
  const listener = () => {
    known.delete(signal)
    for (const each of all) each()
  }
  const callbacks = { all, listener }
  known.set(signal, callbacks)
  signal.addEventListener('abort', listener, { once: true })
  return callbacks
}

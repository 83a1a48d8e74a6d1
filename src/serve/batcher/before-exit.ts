/** Something that may keep the process alive when it is about to exit. */
export interface ExitListener {
  beforeExit(): void
}

/**
 * The listeners of this thread. One listener of the process serves them all, since Node warns of more than ten. Weak
 * references, so that a batcher that was dropped without being closed can be collected.
 */
const listeners = new Set<WeakRef<ExitListener>>()
const collected = new FinalizationRegistry(remove)

/**
 * Calls `listener.beforeExit` when the event loop is empty, until the listener is garbage or is removed. To be asked then
 * costs a batch less than to keep the process alive while it is served.
 *
 * @returns removes the listener
 */
export function listenBeforeExit(listener: ExitListener): () => void {
  const ref = new WeakRef(listener)
  if (listeners.size === 0) process.on('beforeExit', notifyAll)
  listeners.add(ref)
  collected.register(listener, ref, ref)
  return () => {
    collected.unregister(ref)
    remove(ref)
  }
}

function notifyAll(): void {
  for (const ref of listeners) ref.deref()?.beforeExit()
}

function remove(ref: WeakRef<ExitListener>): void {
  listeners.delete(ref)
  if (listeners.size === 0) process.off('beforeExit', notifyAll)
}

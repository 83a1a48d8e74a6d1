/*
 * Values may come from another realm, such as jsdom, Jest or node:vm, in which `URL` and `Error` are other classes.
 * `instanceof` fails for them, so these checks look at properties instead.
 */

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
export const isFunction = (value: unknown) => typeof value === 'function'

/** Whether a value is a plain object, as made by `{}` or JSON, in any realm. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const has = (value: unknown, name: string, type: string) => isObject(value) && typeof value[name] === type

export const isUrl = (value: unknown): value is URL =>
  has(value, 'href', 'string') && has(value, 'protocol', 'string') && has(value, 'searchParams', 'object')

export const isAbortSignal = (value: unknown): value is AbortSignal =>
  has(value, 'aborted', 'boolean') && has(value, 'addEventListener', 'function')

/** Throws the reason of an aborted signal. Not every realm's signals have `throwIfAborted` themselves. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

const tagOf = (value: unknown) => Object.prototype.toString.call(value)

/** Whether a value is a Uint8Array; a Buffer is one. */
export const isBytes = (value: unknown): value is Uint8Array =>
  ArrayBuffer.isView(value) && tagOf(value) === '[object Uint8Array]'

/** Whether a value is an error. Plain values, the common case, are excluded first, for speed. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Error) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) return false
  const tag = tagOf(value)
  return tag === '[object Error]' || tag === '[object DOMException]'
}

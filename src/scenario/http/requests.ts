import { z } from 'zod'
import { isBytes, isFunction, isObject, isPlain, isUrl } from '../../validation/realm.js'
import { kindOf, show } from '../../validation/validation-error.js'
import type { ByHash } from '../by-hash.js'
import { isNamed, live, type Named } from '../named.js'
import { options } from '../units.js'

/** A request body: a string, bytes, or anything else, which is sent as JSON. */
export type HttpBody = string | Uint8Array | Readonly<Record<string, unknown>> | readonly unknown[]
/** HTTP headers by name; a list is sent as several lines. */
export type HttpHeaders = Readonly<Record<string, string | number | readonly string[]>>

/** One of the requests of `http.requests`. What it leaves out, it takes from the target. */
export interface HttpRequest {
  /**
   * The HTTP method.
   *
   * @default that of the target; 'POST' if this request has a body and the target has no method
   */
  method?: string | undefined
  /**
   * The path, relative to the target's `url`. `{id}` is filled in from the column `id` of `http.data`.
   *
   * @default that of the target's `url`
   */
  path?: string | undefined
  /** A whole URL instead of a path. */
  url?: URL | string | undefined
  /** Headers in addition to those of the target, or instead of those of the same name. */
  headers?: HttpHeaders | undefined
  /**
   * The body.
   *
   * @default that of the target, unless this request's method is GET or HEAD
   */
  body?: HttpBody | undefined
  /**
   * The request's class, such as `'checkout'`.
   *
   * @default none
   */
  class?: string | undefined
  /**
   * How often this request is sent, compared with the others.
   *
   * @default 1
   */
  weight?: number | undefined
}

/** A row that fills in the placeholders of requests. */
export type HttpRow = Readonly<Record<string, unknown>>

const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/
const methodError = { error: "must be an HTTP method, such as 'POST'" }
export const method = z
  .string(methodError)
  .regex(TOKEN, methodError)
  .transform((given) => given.toUpperCase())
  .refine((given) => given !== 'CONNECT', methodError)

/** Whether undici accepts a text as the value of a header: no line breaks and other control characters. */
export const isHeaderValue = (value: string) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

/** What is wrong with the value of a header; null if nothing is. The value is left out, since it may be a secret. */
export function faultOfHeaderValue(name: string, value: unknown): string | null {
  const values = Array.isArray(value) ? value.flat() : [value]
  if (values.some((each) => typeof each === 'string' && !isHeaderValue(each))) {
    return `must have no line breaks, other control characters or characters beyond Latin-1 in the value of ${show(name)}`
  }
  if (values.every((each) => typeof each === 'string' || Number.isFinite(each))) return null
  return `must have a string, a number or a list of strings as the value of ${show(name)}`
}

export const HEADERS_ARE = 'must be an object of header names and values'
/** What is wrong with headers; null if nothing is. */
export function faultOfHeaders(value: unknown): string | null {
  if (!isObject(value) || isFunction(value.then)) return HEADERS_ARE
  for (const [name, each] of Object.entries(value)) {
    if (!TOKEN.test(name)) return `must have names of headers, such as 'content-type', but has ${show(name)}`
    const fault = faultOfHeaderValue(name, each)
    if (fault !== null) return fault
  }
  return null
}

/** The schema of headers, or of anything else that `accepts` takes. */
export const headersSchema = <Value>(accepts: (value: unknown) => boolean, otherwise = '') =>
  z.custom<Value>((value) => accepts(value) || faultOfHeaders(value) === null, {
    error: ({ input }) => {
      const fault = faultOfHeaders(input)
      return fault === HEADERS_ARE ? `${fault}${otherwise}, got ${kindOf(input)}` : (fault ?? HEADERS_ARE)
    },
    params: { hidesValue: true },
  })

/** Refuses objects that JSON would turn into `{}`, such as a promise, a form or a stream. */
const hasJsonForm = (value: Record<string, unknown>) => {
  if (ArrayBuffer.isView(value)) return isBytes(value)
  const prototype = Object.getPrototypeOf(value)
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null
  return plain || Array.isArray(value) || isFunction(value.toJSON) || Object.keys(value).length > 0
}
export const isBody = (value: unknown): value is HttpBody =>
  typeof value === 'string' || (isObject(value) && hasJsonForm(value))

/** Whether JSON can represent a value: it has no cycle and no bigint. */
export function canBeSent(value: unknown): boolean {
  if (isFunction(value) || typeof value === 'string' || isBytes(value)) return true
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

const BODY_IS = 'a string, bytes, or an object or array to send as JSON'
/** Methods whose requests have no body. */
export const takesNoBody = (given: string | undefined) => given === 'GET' || given === 'HEAD'
export const NO_BODY = 'GET and HEAD requests have no body; use another method, such as POST, or omit the body'

const weightError = 'must be a number above 0 and at most 1,000,000: how often to send it, compared with the others'
const classError = 'must be the name of a class: a string of 1 to 100 characters'

/** The schema of a request of `http.requests`. */
export const requestSchema = options({
  method: method.optional(),
  path: z.string({ error: "must be a path, such as '/users/7'" }).optional(),
  url: z
    .custom<string | URL>((value) => typeof value === 'string' || isUrl(value), { error: 'must be a URL' })
    .transform((given) => (isUrl(given) ? given.href : given))
    .optional(),
  headers: headersSchema<HttpHeaders>(() => false).optional(),
  body: z.custom<HttpBody>((value) => isBody(value) && canBeSent(value), { error: `must be ${BODY_IS}` }).optional(),
  class: z.string({ error: classError }).min(1, { error: classError }).max(100, { error: classError }).optional(),
  weight: z
    .number({ error: weightError })
    .positive({ error: weightError })
    .max(1_000_000, { error: weightError })
    .optional(),
})
  .refine(({ path, url }) => path === undefined || url === undefined, {
    path: ['url'],
    error: 'cannot be combined with path; give one of them',
  })
  .refine(({ method, body }) => body === undefined || !takesNoBody(method), { path: ['body'], error: NO_BODY })
/** A request of a list, checked. */
export type ResolvedRequest = z.output<typeof requestSchema>

/** A file of requests or rows as a Result stores it: its path, and what was in it. */
export interface FileByHash extends ByHash {
  file: string
}

/** The path of a file that a Result stored; any other value as it is. */
export function pathOfStored<Value>(value: Value): Value | string {
  const { file } = (isHashed(value) ? value : {}) as Partial<FileByHash>
  return file ?? value
}

/** A list as a Result stores it if it is long. */
const isHashed = (value: unknown): value is ByHash =>
  isPlain(value) && typeof (value as ByHash).count === 'number' && typeof (value as ByHash).hash === 'string'
const hashed = (error: string) => z.custom<ByHash>(isHashed, { error })
const file = (error: string) =>
  z
    .custom<string | URL>((value) => (typeof value === 'string' && value !== '') || isUrl(value), { error })
    .transform((given) => (isUrl(given) ? given.href : given))

const requestsError =
  'must be a list of requests, such as { path, method, headers, body, class, weight }, a function (index) => request, or the path of a CSV or JSON-lines file'
/** The schema of `http.requests`. */
export const requestsSchema = z.union(
  [
    z.array(requestSchema, { error: requestsError }).min(1, { error: 'must hold at least one request' }),
    file(requestsError),
    hashed(requestsError),
    live<(index: number) => HttpRequest>(requestsError.slice('must be '.length), isFunction),
  ],
  { error: requestsError },
)
export type ResolvedRequests =
  | ResolvedRequest[]
  | string
  | ByHash
  | FileByHash
  | ((index: number) => HttpRequest)
  | Named

const dataError = 'must be a list of rows, such as { id: 7, name: "Ann" }, or the path of a CSV or JSON-lines file'
/** The schema of `http.data`. */
export const dataSchema = z.union(
  [
    z
      .array(z.custom<HttpRow>(isPlain, { error: 'must be a row, such as { id: 7 }' }), { error: dataError })
      .min(1, { error: 'must hold at least one row' }),
    file(dataError),
    hashed(dataError),
  ],
  { error: dataError },
)
export type ResolvedData = HttpRow[] | string | ByHash | FileByHash

/** Whether a value is a list that a Result stored by its hash. */
export const isStoredByHash = (value: unknown): value is ByHash => !isNamed(value) && isHashed(value)

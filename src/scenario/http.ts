import { z } from 'zod'
import { isBytes, isUrl } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { checkLive, isNamed, live, type Named, named } from './named.js'
import { type Duration, options, positiveDuration, whole } from './units.js'

/** A request body: a string, bytes, or anything else, which is sent as JSON. */
export type HttpBody = string | Uint8Array | Readonly<Record<string, unknown>> | readonly unknown[]
/** HTTP headers by name; a list is sent as several lines. */
export type HttpHeaders = Readonly<Record<string, string | number | readonly string[]>>

/** An undici dispatcher, such as an Agent, a Pool or a ProxyAgent. */
export interface HttpDispatcher {
  dispatch(options: never, handler: never): boolean
}

interface HttpCommon {
  /** The URL to request, http or https. */
  url: URL | string
  /**
   * The HTTP method.
   *
   * @default 'POST' with a body, else 'GET'
   */
  method?: string | undefined
  /**
   * The maximum number of open connections. At most `connections * pipelining` requests are in flight. Null: as many
   * connections as there are requests in flight.
   *
   * @default null
   */
  connections?: number | null | undefined
  /**
   * How many requests may be sent on a connection before the first response.
   *
   * @default 1
   */
  pipelining?: number | undefined
  /**
   * How long a request may take before it counts as failed.
   *
   * @default `batchTimeout`, which always applies too
   */
  timeout?: Duration | undefined
  /**
   * Response statuses that count as failures: numbers, or classes such as `'5xx'`.
   *
   * @default ['4xx', '5xx']
   */
  failures?: readonly (number | string)[] | undefined
  /**
   * TLS options for https: `ca`, `cert`, `key`, `rejectUnauthorized`, `servername` and others of `tls.connect`.
   *
   * @default Node's own
   */
  tls?: Readonly<Record<string, unknown>> | undefined
  /**
   * A dispatcher to use instead of `connections`, `pipelining` and `tls`. It is not closed after the run.
   *
   * @default an undici pool, closed after the run
   */
  dispatcher?: HttpDispatcher | undefined
}

/** Requests over HTTP. Headers and body are the same for all requests, or functions of the request's index. */
export type HttpTarget = HttpCommon &
  (
    | {
        /** @default false: one HTTP request for each request */
        batch?: false | undefined
        /** @default none */
        headers?: HttpHeaders | ((index: number) => HttpHeaders) | undefined
        /** @default none */
        body?: HttpBody | ((index: number) => HttpBody) | undefined
      }
    | {
        /** Sends a whole batch as one HTTP request. Functions for headers and body get the indices of its requests. */
        batch: true
        headers?: HttpHeaders | ((indices: number[]) => HttpHeaders) | undefined
        body?: HttpBody | ((indices: number[]) => HttpBody) | undefined
      }
  )

type MadeFrom<Value> = Value | ((from: number | number[]) => Value)

/** An HTTP target with its defaults filled in. */
export interface ResolvedHttp {
  url: string
  method: string
  headers?: MadeFrom<HttpHeaders> | Named | undefined
  body?: MadeFrom<HttpBody> | Named | undefined
  batch: boolean
  connections: number | null
  pipelining: number
  /** milliseconds; null if `batchTimeout` is the only limit */
  timeout: number | null
  failures: (number | string)[]
  tls?: Record<string, unknown> | undefined
  dispatcher?: HttpDispatcher | Named | undefined
}

/** An HTTP target as a Result stores it. */
export type StoredHttp = Omit<ResolvedHttp, 'headers' | 'body' | 'dispatcher'> & {
  headers?: HttpHeaders | Named | undefined
  body?: HttpBody | Named | undefined
  dispatcher?: Named | undefined
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isFunction = (value: unknown) => typeof value === 'function'

function hasReadableUser(given: string | URL): boolean {
  const { username, password } = new URL(given)
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

const urlError = "must be an http or https URL, such as 'http://127.0.0.1:8080/predict'"
const url = z
  .custom<string | URL>((value) => typeof value === 'string' || isUrl(value), { error: urlError, abort: true })
  .refine((given) => URL.canParse(String(given)) && /^https?:$/.test(new URL(given).protocol), {
    error: urlError,
    abort: true,
  })
  .refine(hasReadableUser, { error: "must have each '%' in the user name and password written as '%25'" })
  .transform((given) => new URL(given).href)

const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/
const methodError = { error: "must be an HTTP method, such as 'POST'" }
const method = z
  .string(methodError)
  .regex(TOKEN, methodError)
  .transform((given) => given.toUpperCase())
  .refine((given) => given !== 'CONNECT', methodError)

const isHeader = (value: unknown): boolean =>
  typeof value === 'string' || Number.isFinite(value) || (Array.isArray(value) && value.every(isHeader))
export const areHeaders = (value: unknown): value is HttpHeaders =>
  isObject(value) && Object.entries(value).every(([name, each]) => TOKEN.test(name) && isHeader(each))
const headers = live<MadeFrom<HttpHeaders>>(
  'an object of header names and values, or a function that returns one',
  (value) => isFunction(value) || areHeaders(value),
)
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
function canBeSent(value: unknown): boolean {
  if (isFunction(value) || typeof value === 'string' || isBytes(value)) return true
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

const body = live<MadeFrom<HttpBody>>(
  'a string, bytes, an object or array to send as JSON, or a function that returns one of these',
  (value) => isFunction(value) || (isBody(value) && canBeSent(value)),
)

const failureError = { error: "must be a status such as 503, or a class such as '5xx'" }
const failure = z.union(
  [z.int(failureError).min(100, failureError).max(999, failureError), z.string().regex(/^[1-5]xx$/, failureError)],
  failureError,
)

/** The largest number of servers in a scenario. */
const MOST_IN_FLIGHT = 1000

export const httpSchema = options({
  url,
  method: method.optional(),
  headers: headers.optional(),
  body: body.optional(),
  batch: z.boolean({ error: 'must be true or false' }).default(false),
  connections: whole(1, MOST_IN_FLIGHT, 'null means no limit').nullable().default(null),
  pipelining: whole(1, MOST_IN_FLIGHT).default(1),
  timeout: positiveDuration.nullable().default(null),
  failures: z.array(failure, { error: "must be a list of statuses, such as ['5xx', 429]" }).default(['4xx', '5xx']),
  tls: z.record(z.string(), z.unknown(), { error: 'must be an object of options of tls.connect' }).optional(),
  dispatcher: live<HttpDispatcher>(
    'a dispatcher of undici',
    (value) => isObject(value) && isFunction(value.dispatch),
  ).optional(),
})
  .refine(({ tls, dispatcher }) => tls === undefined || dispatcher === undefined, {
    error: 'tls and dispatcher cannot be combined; set TLS options on the dispatcher',
  })
  .refine(({ connections, pipelining }) => (connections ?? 1) * pipelining <= MOST_IN_FLIGHT, {
    error: `connections times pipelining must be at most ${MOST_IN_FLIGHT.toLocaleString('en')}`,
  })
  .transform(
    ({ method, ...given }): ResolvedHttp => ({
      method: method ?? (given.body === undefined ? 'GET' : 'POST'),
      ...given,
    }),
  )

/** Returns whether a status counts as a failure. Statuses of 600 and above, which no class covers, always do. */
export function failsBy(failures: readonly (number | string)[]): (status: number) => boolean {
  const among = new Set(failures)
  return (status) => status >= 600 || among.has(status) || among.has(`${Math.floor(status / 100)}xx`)
}

/**
 * Refuses a target from a stored Result whose functions or secrets were not stored.
 *
 * @throws ValidationError naming the field
 */
export function checkSendable(http: ResolvedHttp): void {
  const { url, headers, body, tls, dispatcher } = http
  for (const [field, value] of Object.entries({ headers, body, dispatcher })) checkLive(`http.${field}`, value)
  for (const [field, value] of Object.entries({ headers, tls })) {
    const hidden = Object.entries(value ?? {}).find(([, each]) => each === HIDDEN)
    if (hidden === undefined) continue
    throw new ValidationError(`http.${field}.${hidden[0]}`, 'is a secret, which a Result does not store; set it again')
  }
  if (holdsHidden(body)) {
    throw new ValidationError('http.body', 'contains a secret, which a Result does not store; set it again')
  }
  if (url.includes(HIDDEN_IN_URL)) {
    throw new ValidationError('http.url', 'contains a secret, which a Result does not store; set it again')
  }
}

/** Matches the names of headers, query parameters and JSON fields whose values are secrets. */
const SECRET =
  /auth|cookie|token|jwt|secret|passw|passphrase|pwd|session|credential|signature|(^|[-_.])(sid|sig|code|pin|otp|pass)$|key$/i
const HIDDEN = '[redacted]'
const HIDDEN_IN_URL = '__redacted__'
/** The longest body that a Result stores, in characters. */
const LONGEST_BODY = 1000

/** Converts an HTTP target to its stored form: functions by name, secrets redacted. */
export function storeHttp({ url, headers, body, tls, dispatcher, ...rest }: ResolvedHttp): StoredHttp {
  return {
    ...rest,
    url: withoutSecrets(url),
    ...(headers !== undefined && { headers: made(headers) ?? hideSecrets(headers as HttpHeaders) }),
    ...(body !== undefined && { body: made(body) ?? shortBody(body as HttpBody) }),
    // redacts keys, certificates and pass phrases; booleans and numbers decide how to connect, and are stored
    ...(tls !== undefined && {
      tls: Object.fromEntries(
        Object.entries(tls).map(([name, value]) => [
          name,
          /^(boolean|number)$/.test(typeof value) || name === 'servername' ? value : HIDDEN,
        ]),
      ),
    }),
    ...(dispatcher !== undefined && {
      dispatcher: isNamed(dispatcher) ? dispatcher : named(dispatcher.constructor.name),
    }),
  }
}

/** The stored form of a function; null for anything else. */
function made(value: unknown): Named | null {
  if (isNamed(value)) return value
  return typeof value === 'function' ? named(value.name) : null
}

/** Redacts the user, the password and secret query parameters of a URL. */
export function withoutSecrets(url: string): string {
  const shown = new URL(url)
  if (shown.username !== '') shown.username = HIDDEN_IN_URL
  if (shown.password !== '') shown.password = HIDDEN_IN_URL
  for (const name of [...shown.searchParams.keys()]) if (SECRET.test(name)) shown.searchParams.set(name, HIDDEN_IN_URL)
  if (SECRET.test(shown.hash.split('=')[0] ?? '')) shown.hash = HIDDEN_IN_URL
  return shown.href
}

function hideSecrets(headers: HttpHeaders): HttpHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, SECRET.test(name) ? HIDDEN : value]))
}

function shortBody(body: HttpBody): HttpBody | Named {
  if (isBytes(body)) return named(`${body.length} bytes`)
  const length = typeof body === 'string' ? body.length : JSON.stringify(body).length
  if (length > LONGEST_BODY) return named(`${length} characters`)
  return typeof body === 'string' ? textWithoutSecrets(body) : (jsonWithoutSecrets(body) as HttpBody)
}

/** Redacts secret fields of JSON data, at any depth. */
function jsonWithoutSecrets(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data
  // an object with toJSON is sent as that returns
  if (typeof (data as { toJSON?: unknown }).toJSON === 'function') {
    return jsonWithoutSecrets(JSON.parse(JSON.stringify(data)))
  }
  if (Array.isArray(data)) return data.map(jsonWithoutSecrets)
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      SECRET.test(name) && value !== null ? HIDDEN : jsonWithoutSecrets(value),
    ]),
  )
}

/** Redacts secret fields of a string that is JSON or a URL-encoded form. */
function textWithoutSecrets(text: string): string {
  try {
    const data: unknown = JSON.parse(text)
    const shown = jsonWithoutSecrets(data)
    return JSON.stringify(shown) === JSON.stringify(data) ? text : JSON.stringify(shown)
  } catch {
    if (!/^[^\s=&]+=/.test(text)) return text
    const form = new URLSearchParams(text)
    const secret = [...form.keys()].filter((name) => SECRET.test(name))
    if (secret.length === 0) return text
    for (const name of secret) form.set(name, HIDDEN_IN_URL)
    return form.toString()
  }
}

/** Whether a body comes from a stored Result, with its secrets redacted. */
function holdsHidden(body: unknown): boolean {
  if (typeof body === 'string') return body.includes(HIDDEN_IN_URL) || body.includes(`"${HIDDEN}"`)
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) return false
  return Object.values(body).some((value) => value === HIDDEN || holdsHidden(value))
}

import { isBytes } from '../../validation/realm.js'
import { ValidationError } from '../../validation/validation-error.js'
import { type ByHash, hashOf } from '../by-hash.js'
import type { ResolvedHttp, StoredHttp } from '../http.js'
import { checkLive, isNamed, type Named, named } from '../named.js'
import {
  type HttpBody,
  type HttpHeaders,
  type HttpRow,
  isStoredByHash,
  type ResolvedData,
  type ResolvedRequest,
} from './requests.js'

/**
 * Refuses a target from a stored Result whose functions, lists or secrets were not stored.
 *
 * @throws ValidationError naming the field
 */
export function checkSendable(http: ResolvedHttp): void {
  const { url, proxy, headers, body, tls, dispatcher, check, stream, requests, data } = http
  for (const [field, value] of Object.entries({ headers, body, dispatcher, check, stream, requests })) {
    checkLive(`http.${field}`, value)
  }
  for (const [field, value] of Object.entries({ requests, data })) {
    if (!isStoredByHash(value)) continue
    throw new ValidationError(
      `http.${field}`,
      `is only a hash, because a Result stores ${field === 'data' ? 'data' : 'long lists'} by ${field === 'data' ? 'its' : 'their'} hash; give the list itself, or a file`,
    )
  }
  if (Array.isArray(requests)) {
    for (const [i, request] of requests.entries()) checkLive(`http.requests.${i}.body`, request.body)
  }
  for (const [field, value] of Object.entries({ headers, tls })) {
    const hidden = Object.entries(value ?? {}).find(([, each]) => each === HIDDEN)
    if (hidden === undefined) continue
    throw new ValidationError(`http.${field}.${hidden[0]}`, 'is a secret, which a Result does not store; set it again')
  }
  const texts = { body, requests: Array.isArray(requests) ? requests : undefined, url, proxy }
  for (const [field, value] of Object.entries(texts)) {
    if (!holdsHidden(value)) continue
    throw new ValidationError(`http.${field}`, 'contains a secret, which a Result does not store; set it again')
  }
}

/** Matches the names of headers, query parameters and JSON fields whose values are secrets. */
const SECRET =
  /auth|cookie|token|jwt|secret|passw|passphrase|pwd|session|credential|signature|(^|[-_.])(sid|sig|code|pin|otp|pass)$|key$/i
const HIDDEN = '[redacted]'
const HIDDEN_IN_URL = '__redacted__'
/** The longest body that a Result stores, in characters, */
const LONGEST_BODY = 1000
/** and the most requests of a list. */
const MOST_REQUESTS = 100

/** Converts an HTTP target to its stored form: functions by name, long lists by hash, secrets redacted. */
export function storeHttp(http: ResolvedHttp): StoredHttp {
  const { url, proxy, headers, body, tls, dispatcher, requests, data, check, stream, ...rest } = http
  return {
    ...rest,
    url: withoutSecrets(url),
    ...(proxy !== undefined && { proxy: withoutSecrets(proxy) }),
    ...(headers !== undefined && { headers: made(headers) ?? hideSecrets(headers as HttpHeaders) }),
    ...(body !== undefined && { body: made(body) ?? shortBody(body as HttpBody) }),
    ...(requests !== undefined && { requests: made(requests) ?? storeRequests(requests as RequestList, url) }),
    ...(data !== undefined && { data: typeof data === 'string' ? data : byHash(data) }),
    ...(check !== undefined && { check: made(check) as Named }),
    ...(stream !== undefined && { stream: made(stream) ?? true }),
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

type RequestList = ResolvedRequest[] | string | ByHash

/** Redacts the requests of a list, whose paths belong to a base URL; a long list becomes a hash. */
function storeRequests(requests: RequestList, base: string): RequestList {
  if (!Array.isArray(requests)) return requests
  const stored = requests.map<ResolvedRequest>(({ path, url, headers, body, ...request }) => ({
    ...request,
    ...(path !== undefined && { path: pathWithoutSecrets(path, base) }),
    ...(url !== undefined && { url: URL.canParse(url) ? withoutSecrets(url) : pathWithoutSecrets(url, base) }),
    ...(headers !== undefined && { headers: hideSecrets(headers) }),
    ...(body !== undefined && { body: shortBody(body) as HttpBody }),
  }))
  return stored.length <= MOST_REQUESTS ? stored : byHash(stored)
}

/** A list by its length and the hash of what is left of it without its secrets. */
function byHash(list: Exclude<ResolvedData, string> | readonly unknown[]): ByHash {
  if (isStoredByHash(list)) return list
  const text = JSON.stringify(jsonWithoutSecrets(list))
  const codes = new Float64Array(text.length)
  for (let i = 0; i < codes.length; i++) codes[i] = text.charCodeAt(i)
  return { count: list.length, hash: hashOf(codes) }
}

/** How many rows of a file are hashed at a time: it may be large. */
const ROWS_AT_A_TIME = 1000

/** The rows of a file by their number and hash, without its secrets. */
export function hashRows(rows: readonly HttpRow[]): ByHash {
  const hashes: string[] = []
  for (let i = 0; i < rows.length; i += ROWS_AT_A_TIME) hashes.push(byHash(rows.slice(i, i + ROWS_AT_A_TIME)).hash)
  return { count: rows.length, hash: byHash(hashes).hash }
}

/** Redacts the secret query parameters of a path, and the user and password of one that names a host: `//user:password@host`. */
function pathWithoutSecrets(path: string, base: string): string {
  if (path.includes('@')) {
    const own = new URL(base)
    own.username = ''
    own.password = ''
    const url = URL.canParse(path, own.href) ? new URL(path, own) : null
    if (url !== null && url.username + url.password !== '') return withoutSecrets(url.href)
  }
  // a placeholder may keep it from being a URL
  const named = path.replace(/^([a-z][a-z\d+.-]*:[/\\]*|[/\\]{2,})[^/\\]*@/i, `$1${HIDDEN_IN_URL}@`)
  return named.replace(/([?&#]([^=&#]*)=)[^&#]*/g, (whole, start, name) =>
    SECRET.test(decoded(name)) ? start + HIDDEN_IN_URL : whole,
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
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
  if (isNamed(body)) return body
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

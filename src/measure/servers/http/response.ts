import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import type { util } from 'undici'
import { real } from '../../../clock/real.js'
import { isPromise } from '../../../handler/serving.js'
import { numberInAll, type Shard } from '../../../scenario/arrivals/shard.js'
import type { HttpAnswer, HttpCheck, HttpEvent, HttpEventFilter } from '../../../scenario/http/answer.js'
import { displayUrl } from '../../../scenario/http/url.js'
import type { StatusOutcome } from '../../../scenario/http.js'
import { bytes, plural } from '../../../text/number.js'
import { messageOf, show } from '../../../validation/validation-error.js'
import { type BatchOutcome, type InFlightBatch, REJECTED, SERVED } from '../in-flight-batch.js'
import { shortage } from './connection-stats.js'
import { createEventReader, type EventReader } from './events.js'
import type { Outgoing } from './requests.js'

/** How responses are judged, and what is counted of them. */
export interface Judging {
  outcomeOf(status: number): StatusOutcome
  /** the shard that is sent; null if all requests are */
  shard: Shard | null
  check: HttpCheck | undefined
  /** the most bytes of a body that are kept for `check`, and of an event */
  bodyLimit: number
  /** which events count; null if events are not read */
  isEvent: HttpEventFilter | null
  maxRedirects: number
  /** sends a request again, to follow a redirect */
  send(request: Outgoing, handler: ResponseHandler): void
  /** null if no headers are read */
  parseHeaders: typeof util.parseHeaders | null
  /** responses that count as success though they redirect */
  redirects: number
}

/** An error with the kind by which failures are counted. */
class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly kind: string

  constructor({ method, origin, path }: Outgoing, kind: string, message: string) {
    super(`${method} ${origin}${path.replace(/\?.*/, '')} ${message}`)
    this.kind = kind
  }
}

type RawHeaders = Parameters<typeof util.parseHeaders>[0]

/**
 * Handles the response to one request. These are undici 7's internal callbacks: its newer interface wraps them, and parses
 * every header.
 */
export class ResponseHandler {
  protected readonly inFlight: InFlightBatch
  protected readonly judging: Judging
  protected request: Outgoing
  protected status = 0
  /** whether anything of the response has come */
  protected isStarted = false
  #begun = false

  constructor(inFlight: InFlightBatch, judging: Judging, request: Outgoing) {
    this.inFlight = inFlight
    this.judging = judging
    this.request = request
  }

  /** Whether its request has ended, such as by a timeout. */
  get isOver(): boolean {
    return this.inFlight.isOver
  }
  onConnect(abort: (error?: Error) => void): void {
    const { inFlight } = this
    inFlight.onAbort = abort
    // its timeout may have come before a connection was there: it must not load the server now
    if (inFlight.isOver) abort(new Error('the request is over'))
    else if (this.request.body !== null) inFlight.send(lengthOf(this.request.body))
  }
  onUpgrade(): void {}
  onResponseStarted(): void {
    this.isStarted = true
  }
  onHeaders(status: number, _headers?: unknown): boolean {
    this.status = status
    return true
  }
  onData(chunk: Uint8Array): boolean {
    this.inFlight.receive(chunk.length)
    this.onBody(chunk)
    return true
  }
  /** Handles a piece of the body of the response that counts. */
  protected onBody(chunk: Uint8Array): void {
    if (this.#begun || chunk.length === 0) return
    this.#begun = true
    this.inFlight.first()
  }
  onComplete(): void {
    const outcome = this.judging.outcomeOf(this.status)
    if (outcome !== 'ok') {
      this.fail(outcome)
      return
    }
    if (isRedirect(this.status)) this.judging.redirects++
    this.inFlight.end(SERVED)
  }
  onError(error: Error): void {
    this.inFlight.end({ error: withKind(error, this.isStarted || this.status !== 0) })
  }

  protected fail(outcome: 'failed' | 'rejected'): void {
    const { request, status } = this
    if (outcome === 'rejected') this.inFlight.end(REJECTED)
    else this.inFlight.end({ error: new HttpError(request, `status ${status}`, `responded with status ${status}`) })
  }
}

const lengthOf = (body: string | Uint8Array) => (typeof body === 'string' ? Buffer.byteLength(body) : body.length)

const isRedirect = (status: number) =>
  status >= 301 && status <= 308 && status !== 304 && status !== 305 && status !== 306

/** Codes of undici and of its parser, as kinds of failures. */
const KINDS: Record<string, string> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect timeout',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'incomplete response',
  UND_ERR_HEADERS_OVERFLOW: 'headers too large',
  UND_ERR_INVALID_ARG: 'invalid request',
}

interface ConnectionError extends Error {
  code?: string
  /** of a host with several addresses */
  errors?: (Error & { code?: string })[]
  /** of undici's own errors */
  socket?: { bytesRead?: number }
  bytesRead?: number
}

/** Names the kind of a connection's error, and says what to raise if this machine lacks something. */
function withKind(error: ConnectionError, isStarted: boolean): Error {
  const { errors } = error
  // the error of a host with several addresses has no message
  if (error.message === '' && errors !== undefined) error.message = errors.map(messageOf).join('; ')
  const lacks = shortage(error.code ?? errors?.[0]?.code ?? '')
  // requests that waited for one connection have one error
  if (lacks !== null && !error.message.endsWith(lacks)) error.message += `: ${lacks}`
  const kind = kindOfError(error, isStarted)
  return kind === undefined ? error : Object.assign(error, { kind })
}

/** @param isStarted whether anything of the response has come */
function kindOfError(error: ConnectionError, isStarted: boolean): string | undefined {
  const { code = '', name, socket, bytesRead = socket?.bytesRead ?? 0 } = error
  if (name === 'HTTPParserError') return 'invalid HTTP'
  const closed = code === 'UND_ERR_SOCKET'
  if (closed && isStarted) return 'incomplete response'
  // the server may have closed it as an idle one, just as the request was sent
  const isReused = !isStarted && bytesRead > 0
  if (isReused && closed) return 'kept-alive connection closed'
  if (isReused && (code === 'ECONNRESET' || code === 'EPIPE')) return 'kept-alive connection reset'
  return closed ? 'connection closed' : KINDS[code]
}

/** Handles a response that is checked or may redirect: keeps its headers and, for a check, its body. */
export class CheckedResponseHandler extends ResponseHandler {
  #headers: unknown
  /** whether its status is a success, so that its body is checked */
  #isChecked = false
  #chunks: Uint8Array[] = []
  #keptBytes = 0
  #redirects = 0

  override onHeaders(status: number, headers: unknown): boolean {
    const { check, outcomeOf } = this.judging
    this.status = status
    this.#headers = headers
    this.#isChecked = check !== undefined && outcomeOf(status) === 'ok'
    return true
  }
  override onData(chunk: Uint8Array): boolean {
    // the body of a redirect that is followed is not that of the response
    if (isRedirect(this.status) && this.judging.maxRedirects > 0) {
      this.inFlight.receive(chunk.length)
      return true
    }
    if (this.#isChecked) this.#keep(chunk)
    return super.onData(chunk)
  }

  #keep(chunk: Uint8Array): void {
    this.#keptBytes += chunk.length
    if (this.#keptBytes <= this.judging.bodyLimit) this.#chunks.push(chunk)
    else {
      this.#chunks = []
      this.abortOver('body')
    }
  }

  /** Fails the request because more of its response would have to be kept than may be. */
  protected abortOver(what: 'body' | 'event'): void {
    const { inFlight } = this
    const error = this.errorOver(what)
    // not in a callback of undici's parser, which may end the response in the same turn
    real.queueMicrotask(() => inFlight.onAbort?.(error))
    inFlight.end({ error })
  }

  protected errorOver(what: 'body' | 'event'): HttpError {
    const limit = bytes(this.judging.bodyLimit)
    const message = `responded with ${what === 'body' ? 'a body' : 'an event'} over the limit of ${limit} (http.bodyLimit)`
    return new HttpError(this.request, `${what} over ${limit}`, message)
  }

  override onComplete(): void {
    const { check, outcomeOf, maxRedirects } = this.judging
    if (isRedirect(this.status) && maxRedirects > 0) {
      this.#follow()
      return
    }
    const outcome = outcomeOf(this.status)
    if (outcome !== 'ok') this.fail(outcome)
    else if (check === undefined) super.onComplete()
    else this.inFlight.end(() => this.#judge(check))
  }

  #judge(check: HttpCheck): BatchOutcome {
    const { inFlight, judging, status, request } = this
    const number = numberInAll(inFlight.batch.numbers[0] as number, judging.shard)
    const answer = new Answer(number, status, () => this.parsedHeaders(), this.#chunks, judging.bodyLimit)
    const wrong = faultFoundBy(check, answer)
    if (answer.isOverLimit) return { error: this.errorOver('body') }
    if (wrong === null) {
      if (isRedirect(status)) judging.redirects++
      return SERVED
    }
    return { error: new HttpError(request, `check: ${wrong}`, `failed the check: ${wrong}`) }
  }

  protected parsedHeaders(): Record<string, string | string[]> {
    const headers = this.#headers
    if (!Array.isArray(headers)) return (headers ?? {}) as Record<string, string | string[]>
    return (this.judging.parseHeaders as typeof util.parseHeaders)(headers as RawHeaders)
  }

  #follow(): void {
    const { request, judging, inFlight, status } = this
    const { location } = this.parsedHeaders()
    const from = request.origin + request.path
    const given = Array.isArray(location) ? location[0] : location
    const to = given !== undefined && URL.canParse(given, from) ? new URL(given, from) : null
    if (to === null || !/^https?:$/.test(to.protocol)) {
      const where = given === undefined ? 'without a location' : `to ${show(displayUrl(given))}`
      inFlight.end({ error: new HttpError(request, 'invalid redirect', `responded with a redirect ${where}`) })
    } else if (this.#redirects === judging.maxRedirects) {
      const message = `redirected more than ${plural(judging.maxRedirects, 'time')} (http.maxRedirects)`
      inFlight.end({ error: new HttpError(request, 'too many redirects', message) })
    } else {
      this.#redirects++
      this.status = 0
      this.isStarted = false
      this.request = redirectRequest(request, status, to)
      judging.send(this.request, this)
    }
  }
}

/** Handles a response whose events are read while it arrives. */
export class StreamedResponseHandler extends CheckedResponseHandler {
  /** null for the body of a failure, which has no events */
  #reader: EventReader | null = null
  #encoding = ''
  /** what is wrong with its events, or with the function that reads them; null if nothing is */
  #fault: string | null = null

  override onHeaders(status: number, headers: unknown): boolean {
    super.onHeaders(status, headers)
    const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = this.parsedHeaders()
    this.#reader = this.judging.outcomeOf(status) === 'ok' ? createEventReader(String(type)) : null
    this.#encoding = String(encoding).toLowerCase()
    return true
  }
  protected override onBody(chunk: Uint8Array): void {
    if (this.#reader === null || chunk.length === 0) return
    if (this.#encoding !== 'identity') this.#fault = `compressed by ${this.#encoding}`
    // events that come together came at the same time, however long the function takes
    const { nowNs } = this.inFlight
    this.#mark(this.#reader.read(chunk), nowNs)
    if (this.#reader.kept > this.judging.bodyLimit) {
      this.#reader = null
      this.abortOver('event')
    }
  }
  override onComplete(): void {
    if (this.#reader !== null) this.#mark(this.#reader.end(), this.inFlight.nowNs)
    if (this.#fault === null) super.onComplete()
    else {
      const message = `has events that cannot be read: ${this.#fault}`
      this.inFlight.end({ error: new HttpError(this.request, `stream: ${this.#fault}`, message) })
    }
  }

  /** Marks the events that count. */
  #mark(events: readonly HttpEvent[], nowNs: number): void {
    const isEvent = this.judging.isEvent as HttpEventFilter
    for (const event of events) {
      if (this.#fault !== null) return
      try {
        const counts = isEvent(event)
        if (isPromise(counts)) {
          Promise.resolve(counts).catch(() => {})
          this.#fault = 'http.stream must not be async, but it returned a promise'
        } else if (counts) this.inFlight.nextAt(nowNs)
      } catch (error) {
        this.#fault = thrownText(error)
      }
    }
  }
}

/** Headers that describe a body, and headers that only the first server may see. */
const OF_BODY = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding']
const OF_ORIGIN = ['authorization', 'cookie', 'host', 'proxy-authorization']

/** The request that follows a redirect, as browsers make it: 303, and 301 and 302 after a POST, become a GET. */
function redirectRequest({ method, headers, body, origin }: Outgoing, status: number, to: URL): Outgoing {
  const becomesGet = (status === 303 && method !== 'HEAD') || ((status === 301 || status === 302) && method === 'POST')
  const dropped = new Set([...(becomesGet ? OF_BODY : []), ...(to.origin === origin ? [] : OF_ORIGIN)])
  return {
    origin: to.origin,
    path: to.pathname + to.search,
    method: becomesGet ? 'GET' : method,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name))),
    body: becomesGet ? null : body,
  }
}

/** What a check finds wrong with a response; null if it is a success. */
function faultFoundBy(check: HttpCheck, answer: HttpAnswer): string | null {
  let found: unknown
  try {
    found = check(answer)
  } catch (error) {
    return thrownText(error)
  }
  if (found === undefined || found === true) return null
  if (typeof found === 'string') return found === '' ? 'failed' : found
  if (found === false) return 'failed'
  if (isPromise(found)) {
    Promise.resolve(found).catch(() => {})
    return 'http.check must not be async, but it returned a promise'
  }
  return `http.check must return true, or a string that says what is wrong; got ${show(found)}`
}

/** What a user's function threw. `JSON.parse` quotes the response, which may hold secrets and differs from one to the next. */
const thrownText = (error: unknown) =>
  (error as Partial<Error> | null)?.name === 'SyntaxError' ? 'SyntaxError' : messageOf(error)

/** A response whose headers are parsed, and whose body is put together, when a check first reads them. */
class Answer implements HttpAnswer {
  readonly index: number
  readonly status: number
  readonly #parseHeaders: () => Record<string, string | string[]>
  readonly #chunks: Uint8Array[]
  readonly #limit: number
  #headers: Record<string, string | string[]> | null = null
  #body: Uint8Array | null = null
  /** whether its body was read, and is longer than the limit when it is decompressed */
  isOverLimit = false

  constructor(
    index: number,
    status: number,
    parseHeaders: () => Record<string, string | string[]>,
    chunks: Uint8Array[],
    limit: number,
  ) {
    this.index = index
    this.status = status
    this.#parseHeaders = parseHeaders
    this.#chunks = chunks
    this.#limit = limit
  }

  get headers(): Record<string, string | string[]> {
    this.#headers ??= this.#parseHeaders()
    return this.#headers
  }

  get body(): Uint8Array {
    try {
      this.#body ??= decompress(Buffer.concat(this.#chunks), this.headers['content-encoding'], this.#limit)
    } catch (error) {
      this.isOverLimit = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      throw error
    }
    return this.#body
  }

  text(): string {
    return new TextDecoder().decode(this.body)
  }

  json(): unknown {
    return JSON.parse(this.text())
  }
}

/**
 * Decompresses a body. One whose encoding is unknown is left as it is.
 *
 * @throws RangeError with the code `ERR_BUFFER_TOO_LARGE` if it is longer than the limit
 */
function decompress(body: Uint8Array, encoding: string | string[] | undefined, limit: number): Uint8Array {
  if (body.length === 0) return body
  const options = { maxOutputLength: limit }
  switch (String(encoding ?? '').toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(body, options)
    case 'deflate':
      return inflateSync(body, options)
    case 'br':
      return brotliDecompressSync(body, options)
    default:
      return body
  }
}

/** Passes what undici says of a response on to another handler. */
export abstract class ForwardingHandler {
  protected abstract handler: ResponseHandler

  onConnect(abort: (error?: Error) => void): void {
    this.handler.onConnect(abort)
  }
  onUpgrade(): void {}
  onResponseStarted(): void {
    this.handler.onResponseStarted()
  }
  onHeaders(status: number, headers: unknown): boolean {
    return this.handler.onHeaders(status, headers)
  }
  onData(chunk: Uint8Array): boolean {
    return this.handler.onData(chunk)
  }
  onComplete(): void {
    this.handler.onComplete()
  }
  onError(error: Error): void {
    this.handler.onError(error)
  }
}

/** Gives a handler both interfaces of undici: the user's dispatcher may be from another version. */
export class CompatibleHandler extends ForwardingHandler {
  protected readonly handler: ResponseHandler

  constructor(handler: ResponseHandler) {
    super()
    this.handler = handler
  }

  onRequestStart(controller: { abort(reason: Error): void }): void {
    this.onConnect((error) => controller.abort(error as Error))
  }
  onResponseStart(_: unknown, status: number, headers: unknown): void {
    this.onHeaders(status, headers)
  }
  onResponseData(_: unknown, chunk: Uint8Array): void {
    this.onData(chunk)
  }
  onResponseEnd(): void {
    this.onComplete()
  }
  onResponseError(_: unknown, error: Error): void {
    this.onError(error)
  }
}

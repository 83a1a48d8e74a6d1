import type { Dispatcher } from 'undici'
import { real } from '../../clock/real.js'
import type { Shard } from '../../scenario/arrivals/shard.js'
import { areHeaders, failsBy, type HttpBody, type HttpHeaders, isBody, type ResolvedHttp } from '../../scenario/http.js'
import { isBytes } from '../../validation/realm.js'
import { show } from '../../validation/validation-error.js'
import { numbersInAll } from '../queue/batch.js'
import { type InFlightBatch, SERVED } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** The headers and body of one HTTP request. */
interface Payload {
  headers: Record<string, string | string[]>
  body: string | Uint8Array | null
}

/** Creates the target that sends an HTTP request for each batch, and reads its response to the end. */
export async function httpTarget(http: ResolvedHttp, shard: Shard | null): Promise<LocalTarget> {
  const { method, batch, failures } = http
  const url = new URL(http.url)
  const given = http.dispatcher as Dispatcher | undefined
  const dispatcher = given ?? (await poolFor(url, http))
  const options = { origin: url.origin, path: url.pathname + url.search, method: method as Dispatcher.HttpMethod }
  const fails = failsBy(failures)
  const own = encodeCredentials(url)
  const { headers, body } = http
  const fixed =
    typeof headers === 'function' || typeof body === 'function'
      ? null
      : { ...options, ...buildPayload(headers, body, own) }
  const Handler = given === undefined ? ResponseHandler : CompatibleResponseHandler

  const buildFor = (inFlight: InFlightBatch) => {
    const numbers = numbersInAll(inFlight.batch, shard)
    const { size } = inFlight.batch
    const from = batch ? [...numbers.subarray(0, size)] : (numbers[0] as number)
    return buildPayload(
      typeof headers === 'function' ? headers(from) : headers,
      typeof body === 'function' ? body(from) : body,
      own,
    )
  }
  return {
    took: 'the response took',
    payload: (inFlight) => fixed ?? { ...options, ...buildFor(inFlight) },
    serve(inFlight) {
      // undici rejects some requests by throwing, and others through onError
      dispatcher.dispatch(inFlight.payload as typeof options & Payload, new Handler(inFlight, fails, options))
    },
    // the user closes the user's own dispatcher
    close: async () => {
      if (given !== undefined) return
      await dispatcher.destroy()
      // sockets close in a later macrotask
      await new Promise((resolve) => real.setTimeout(resolve, 1))
    },
  }
}

async function poolFor(url: URL, { connections, pipelining, tls }: ResolvedHttp): Promise<Dispatcher> {
  // loaded on first use, since most runs send no HTTP
  const { Pool } = await import('undici')
  return new Pool(url.origin, {
    connections,
    pipelining,
    // the run has its own timeout for each request
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(tls !== undefined && { connect: tls }),
  })
}

/** Encodes the user and password of a URL as a basic authorization header; null without them. */
function encodeCredentials({ username, password }: URL): string | null {
  if (username === '' && password === '') return null
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
}

function buildPayload(headers: unknown, body: unknown, authorization: string | null): Payload {
  if (headers !== undefined && !areHeaders(headers)) {
    throw new TypeError(`headers must return an object of header names and their values; it returned ${show(headers)}`)
  }
  if (body !== undefined && !isBody(body)) {
    throw new TypeError(`body must return text, bytes, or an object or list to send as JSON; it returned ${show(body)}`)
  }
  const sent: Payload['headers'] = {}
  if (authorization !== null) sent.authorization = authorization
  for (const [name, value] of Object.entries((headers ?? {}) as HttpHeaders)) {
    sent[name.toLowerCase()] = typeof value === 'object' ? value.map(String) : String(value)
  }
  if (body === undefined) return { headers: sent, body: null }
  if (typeof body === 'string') return { headers: sent, body }
  // undici accepts only buffers of this realm
  if (isBytes(body)) return { headers: sent, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }
  sent['content-type'] ??= 'application/json'
  return { headers: sent, body: JSON.stringify(body as HttpBody) }
}

interface RequestLine {
  origin: string
  path: string
  method: string
}

/**
 * Handles the response to one request. These are undici 7's internal callbacks: its newer interface wraps them, and parses
 * every header.
 */
class ResponseHandler {
  readonly #inFlight: InFlightBatch
  readonly #fails: (status: number) => boolean
  readonly #request: RequestLine
  #status = 0

  constructor(inFlight: InFlightBatch, fails: (status: number) => boolean, request: RequestLine) {
    this.#inFlight = inFlight
    this.#fails = fails
    this.#request = request
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#inFlight.onAbort = abort
  }
  onUpgrade(): void {}
  onHeaders(status: number): boolean {
    this.#status = status
    return true
  }
  onData(): boolean {
    return true
  }
  onComplete(): void {
    if (!this.#fails(this.#status)) {
      this.#inFlight.end(SERVED)
      return
    }
    const { origin, path, method } = this.#request
    const where = `${origin}${path.replace(/\?.*/, '')}`
    this.#inFlight.end({ error: new Error(`${method} ${where} responded with status ${this.#status}`) })
  }
  onError(error: Error): void {
    this.#inFlight.end({ error })
  }
}

/** Handles a response of the user's dispatcher, which may be from another version of undici. */
class CompatibleResponseHandler extends ResponseHandler {
  onRequestStart(controller: { abort(reason: Error): void }): void {
    this.onConnect((error) => controller.abort(error as Error))
  }
  onResponseStart(_: unknown, status: number): void {
    this.onHeaders(status)
  }
  onResponseData(): void {}
  onResponseEnd(): void {
    this.onComplete()
  }
  onResponseError(_: unknown, error: Error): void {
    this.onError(error)
  }
}

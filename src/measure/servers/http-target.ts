import type { Dispatcher } from 'undici'
import { real } from '../../clock/real.js'
import { areHeaders, failsBy, type HttpBody, type HttpHeaders, isBody, type ResolvedHttp } from '../../scenario/http.js'
import { isBytes } from '../../validation/realm.js'
import { show } from '../../validation/validation-error.js'
import { type InFlightBatch, SERVED } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** What one HTTP request is sent with. */
interface Sent {
  headers: Record<string, string | string[]>
  body: string | Uint8Array | null
}

/** Sends a request for each batch, and reads its answer to the end. */
export async function httpTarget(http: ResolvedHttp): Promise<LocalTarget> {
  const { method, batch, failures } = http
  const url = new URL(http.url)
  const given = http.dispatcher as Dispatcher | undefined
  const dispatcher = given ?? (await poolFor(url, http))
  const options = { origin: url.origin, path: url.pathname + url.search, method: method as Dispatcher.HttpMethod }
  const fails = failsBy(failures)
  const own = userOf(url)
  const { headers, body } = http
  const fixed =
    typeof headers === 'function' || typeof body === 'function' ? null : { ...options, ...sentOf(headers, body, own) }
  const Answered = given === undefined ? Answer : AnyAnswer

  const makeOf = (inFlight: InFlightBatch) => {
    const { numbers, size } = inFlight.batch
    const from = batch ? [...numbers.subarray(0, size)] : (numbers[0] as number)
    return sentOf(
      typeof headers === 'function' ? headers(from) : headers,
      typeof body === 'function' ? body(from) : body,
      own,
    )
  }
  return {
    took: 'the answer took',
    payload: (inFlight) => fixed ?? { ...options, ...makeOf(inFlight) },
    serve(inFlight) {
      // undici refuses some requests by throwing, and some by calling back
      dispatcher.dispatch(inFlight.payload as typeof options & Sent, new Answered(inFlight, fails, options))
    },
    // what the user made is the user's to close
    close: async () => {
      if (given !== undefined) return
      await dispatcher.destroy()
      // sockets are closed as the event loop turns
      await new Promise((resolve) => real.setTimeout(resolve, 1))
    },
  }
}

async function poolFor(url: URL, { connections, pipelining, tls }: ResolvedHttp): Promise<Dispatcher> {
  // loaded on first use: who sends no HTTP pays nothing for it
  const { Pool } = await import('undici')
  return new Pool(url.origin, {
    connections,
    pipelining,
    // the run has a limit of its own for each request
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(tls !== undefined && { connect: tls }),
  })
}

/** User and password of a URL, as a request sends them. */
function userOf({ username, password }: URL): string | null {
  if (username === '' && password === '') return null
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
}

function sentOf(headers: unknown, body: unknown, authorization: string | null): Sent {
  if (headers !== undefined && !areHeaders(headers)) {
    throw new TypeError(`headers must return an object of header names and their values; it returned ${show(headers)}`)
  }
  if (body !== undefined && !isBody(body)) {
    throw new TypeError(`body must return text, bytes, or an object or list to send as JSON; it returned ${show(body)}`)
  }
  const sent: Sent['headers'] = {}
  if (authorization !== null) sent.authorization = authorization
  for (const [name, value] of Object.entries((headers ?? {}) as HttpHeaders)) {
    sent[name.toLowerCase()] = typeof value === 'object' ? value.map(String) : String(value)
  }
  if (body === undefined) return { headers: sent, body: null }
  if (typeof body === 'string') return { headers: sent, body }
  // undici takes those of this realm alone
  if (isBytes(body)) return { headers: sent, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }
  sent['content-type'] ??= 'application/json'
  return { headers: sent, body: JSON.stringify(body as HttpBody) }
}

interface Asked {
  origin: string
  path: string
  method: string
}

/**
 * Hears what becomes of one request. These are the callbacks that undici 7 works with inside: its newer ones are made
 * of them, at the cost of parsing every header.
 */
class Answer {
  readonly #inFlight: InFlightBatch
  readonly #fails: (status: number) => boolean
  readonly #asked: Asked
  #status = 0

  constructor(inFlight: InFlightBatch, fails: (status: number) => boolean, asked: Asked) {
    this.#inFlight = inFlight
    this.#fails = fails
    this.#asked = asked
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
    const { origin, path, method } = this.#asked
    const where = `${origin}${path.replace(/\?.*/, '')}`
    this.#inFlight.end({ error: new Error(`${method} ${where} was answered with status ${this.#status}`) })
  }
  onError(error: Error): void {
    this.#inFlight.end({ error })
  }
}

/** The same for a dispatcher that may be of another version of undici. */
class AnyAnswer extends Answer {
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

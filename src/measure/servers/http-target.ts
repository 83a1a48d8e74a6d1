import type { Dispatcher } from 'undici'
import { real } from '../../clock/real.js'
import type { Finding } from '../../result/validity.js'
import { numberInAll, type Shard } from '../../scenario/arrivals/shard.js'
import type { HttpCheck, HttpEventFilter } from '../../scenario/http/answer.js'
import { faultOfHeaders, type HttpBody, type HttpHeaders, isBody } from '../../scenario/http/requests.js'
import { BODY_LIMIT, outcomeByStatus, type ResolvedHttp } from '../../scenario/http.js'
import { count } from '../../text/number.js'
import { show } from '../../validation/validation-error.js'
import type { Clock } from '../clock/clock.js'
import { numbersInAll } from '../queue/batch.js'
import type { Window } from '../recording/window.js'
import { ConnectionStats } from './http/connection-stats.js'
import { openConnections, through } from './http/connections.js'
import { buildContent, encodeCredentials, type Outgoing, type RequestSource } from './http/requests.js'
import {
  CheckedResponseHandler,
  CompatibleHandler,
  type Judging,
  ResponseHandler,
  StreamedResponseHandler,
} from './http/response.js'
import type { InFlightBatch } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** What an HTTP target needs in addition to its options. */
export interface HttpSetup {
  /** the requests, if they differ */
  source: RequestSource | null
  /** the shard that is sent; null if all requests are */
  shard: Shard | null
  /** the name of the target in messages */
  name: string
  /** when the window begins and ends, by this clock */
  window: Pick<Window, 'startNs' | 'endNs'>
  clock: Clock
  signal: AbortSignal | undefined
}

/**
 * Creates the target that sends an HTTP request for each batch, and reads its response to the end.
 *
 * @throws ValidationError if this process may not have as many connections
 * @throws MeasureError if the server does not speak HTTP/2, and the target asks for it
 */
export async function httpTarget(http: ResolvedHttp, setup: HttpSetup): Promise<LocalTarget> {
  const { source, shard, name, window, clock, signal } = setup
  const { check, bodyLimit = BODY_LIMIT, stream, maxRedirects = 0 } = http
  const given = http.dispatcher as Dispatcher | undefined
  const stats = new ConnectionStats(window, clock)
  // the user's dispatcher may be of another version of undici
  const connections =
    given === undefined
      ? await openConnections(http, { name, stats, signal })
      : through(given, (handler) => new CompatibleHandler(handler))
  const reads = check !== undefined || stream !== undefined || maxRedirects > 0
  const Handler = stream !== undefined ? StreamedResponseHandler : reads ? CheckedResponseHandler : ResponseHandler
  const send: Judging['send'] = (request, handler) => {
    // undici rejects some requests by throwing, and others through onError
    try {
      connections.dispatch(request, handler)
    } catch (error) {
      handler.onError(error as Error)
    }
  }
  const judging: Judging = {
    outcomeOf: outcomeByStatus(http),
    shard,
    check: check as HttpCheck | undefined,
    bodyLimit,
    isEvent: stream === undefined ? null : stream === true ? isNotDone : (stream as HttpEventFilter),
    maxRedirects,
    parseHeaders: reads ? (await import('undici')).util.parseHeaders : null,
    redirects: 0,
    send,
  }
  return {
    took: 'the response took',
    payload:
      source === null
        ? payloadOf(http, shard)
        : ({ batch }) => source.of(numberInAll(batch.numbers[0] as number, shard)),
    serve(inFlight) {
      const request = inFlight.payload as Outgoing
      send(request, new Handler(inFlight, judging, request))
    },
    findings: () => [...(redirectsMatter(http) ? redirectsNotFollowed(judging.redirects) : []), ...stats.findings()],
    ...(given === undefined && { connections: () => stats.recording() }),
    // the user closes the user's own dispatcher
    close: async () => {
      if (given !== undefined) return
      await connections.destroy()
      // sockets close in a later macrotask
      await new Promise((resolve) => real.setTimeout(resolve, 1))
    },
  }
}

/** `[DONE]` ends a stream of tokens in OpenAI's format; it is not a token. */
const isNotDone: HttpEventFilter = ({ data }) => data !== '[DONE]'

/** Makes requests that do not differ, or only by functions of headers and body. */
function payloadOf(
  { url: href, method, batch, headers, body }: ResolvedHttp,
  shard: Shard | null,
): LocalTarget['payload'] {
  const url = new URL(href)
  const line = { origin: url.origin, path: url.pathname + url.search, method }
  const own = encodeCredentials(url)
  const build = (headers: unknown, body: unknown): Outgoing => {
    const fault = headers === undefined ? null : faultOfHeaders(headers)
    if (fault !== null) throw new TypeError(`headers that the function of http.headers returned ${fault}`)
    if (body !== undefined && !isBody(body)) {
      throw new TypeError(
        `body must return text, bytes, or an object or list to send as JSON; it returned ${show(body)}`,
      )
    }
    return { ...line, ...buildContent((headers ?? {}) as HttpHeaders, body as HttpBody | undefined, own, method) }
  }
  if (typeof headers !== 'function' && typeof body !== 'function') {
    const fixed = build(headers, body)
    return () => fixed
  }
  return (inFlight: InFlightBatch) => {
    const { size } = inFlight.batch
    const numbers = numbersInAll(inFlight.batch, shard)
    const from = batch ? [...numbers.subarray(0, size)] : (numbers[0] as number)
    return build(
      typeof headers === 'function' ? headers(from) : headers,
      typeof body === 'function' ? body(from) : body,
    )
  }
}

/** Whether a redirect counts as a success only because nothing was said about it. */
const redirectsMatter = ({ maxRedirects = 0, statuses }: ResolvedHttp) =>
  maxRedirects === 0 && !(statuses?.ok ?? []).some((status) => /^3/.test(String(status)))

function redirectsNotFollowed(redirects: number): Finding[] {
  if (redirects === 0) return []
  return [
    {
      code: 'redirects-not-followed',
      severity: 'warning',
      message: `${count(redirects)} ${redirects === 1 ? 'response was a redirect' : 'responses were redirects'}, which were not followed and count as successes. Follow them with http.maxRedirects, or make them failures with failures: ['3xx', '4xx', '5xx']`,
      figures: { redirects },
    },
  ]
}

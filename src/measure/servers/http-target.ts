import { real } from '../../clock/real.js'
import type { Finding } from '../../result/validity.js'
import { numberInAll, type Shard } from '../../scenario/arrivals/shard.js'
import type { HttpCheck } from '../../scenario/http/answer.js'
import { areHeaders, type HttpBody, type HttpHeaders, isBody } from '../../scenario/http/requests.js'
import { outcomeByStatus, type ResolvedHttp } from '../../scenario/http.js'
import { count } from '../../text/number.js'
import { show } from '../../validation/validation-error.js'
import { numbersInAll } from '../queue/batch.js'
import { openConnections } from './http/connections.js'
import { buildContent, encodeCredentials, type Outgoing, type RequestSource } from './http/requests.js'
import { CheckedResponseHandler, type Judging, ResponseHandler } from './http/response.js'
import type { InFlightBatch } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/**
 * Creates the target that sends an HTTP request for each batch, and reads its response to the end.
 *
 * @param source the requests, if they differ
 * @param shard the shard that is sent; null if all requests are
 * @param name the name of the target in messages
 */
export async function httpTarget(
  http: ResolvedHttp,
  { source, shard, name }: { source: RequestSource | null; shard: Shard | null; name: string },
): Promise<LocalTarget> {
  const { check, maxRedirects = 0 } = http
  const connections = await openConnections(http, name)
  const reads = check !== undefined || maxRedirects > 0
  const Handler = reads ? CheckedResponseHandler : ResponseHandler
  const judging: Judging = {
    outcomeOf: outcomeByStatus(http),
    shard,
    check: check as HttpCheck | undefined,
    maxRedirects,
    parseHeaders: reads ? (await import('undici')).util.parseHeaders : null,
    redirects: 0,
    send: (request, handler) => connections.send(request, handler),
  }
  return {
    took: 'the response took',
    payload:
      source === null
        ? payloadOf(http, shard)
        : ({ batch }) => source.of(numberInAll(batch.numbers[0] as number, shard)),
    serve(inFlight) {
      const request = inFlight.payload as Outgoing
      connections.send(request, new Handler(inFlight, judging, request))
    },
    findings: () => (redirectsMatter(http) ? redirectsNotFollowed(judging.redirects) : []),
    close: async () => {
      await connections.close()
      // sockets close in a later macrotask
      await new Promise((resolve) => real.setTimeout(resolve, 1))
    },
  }
}

/** Makes requests that do not differ, or only by functions of headers and body. */
function payloadOf(
  { url: href, method, batch, headers, body }: ResolvedHttp,
  shard: Shard | null,
): LocalTarget['payload'] {
  const url = new URL(href)
  const line = { origin: url.origin, path: url.pathname + url.search, method }
  const own = encodeCredentials(url)
  const build = (headers: unknown, body: unknown): Outgoing => {
    if (headers !== undefined && !areHeaders(headers)) {
      throw new TypeError(
        `headers must return an object of header names and their values; it returned ${show(headers)}`,
      )
    }
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

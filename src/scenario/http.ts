import { z } from 'zod'
import { isFunction, isObject, isUrl } from '../validation/realm.js'
import { show } from '../validation/validation-error.js'
import type { ByHash } from './by-hash.js'
import type { HttpAnswer, HttpCheck, HttpEvent, HttpEventFilter } from './http/answer.js'
import {
  canBeSent,
  dataSchema,
  type FileByHash,
  type HttpBody,
  type HttpHeaders,
  type HttpRequest,
  type HttpRow,
  headersSchema,
  isBody,
  method,
  NO_BODY,
  pathOfStored,
  type ResolvedData,
  type ResolvedRequest,
  type ResolvedRequests,
  requestsSchema,
  takesNoBody,
} from './http/requests.js'
import { displayUrl } from './http/url.js'
import { isNamed, live, type Named } from './named.js'
import { MOST_SERVERS } from './queue.js'
import { type Duration, options, positiveDuration, size, whole } from './units.js'

export type { HttpAnswer, HttpBody, HttpCheck, HttpEvent, HttpEventFilter, HttpHeaders, HttpRequest, HttpRow }

/** An undici dispatcher, such as an Agent, a Pool or a ProxyAgent. */
export interface HttpDispatcher {
  dispatch(options: never, handler: never): boolean
}

/** A response status, or a class such as `'5xx'`. */
export type HttpStatus = number | string

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
   * @default null; 1 with `http2`
   */
  connections?: number | null | undefined
  /**
   * How many requests may be sent on a connection before the first response.
   *
   * @default 1; 100 with `http2`
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
  failures?: readonly HttpStatus[] | undefined
  /**
   * Response statuses that count as success though `failures` names their class, and those that count as rejected:
   * `{ ok: [404], rejected: [429, 503] }`. Numbers go before classes.
   *
   * @default none
   */
  statuses?: { ok?: readonly HttpStatus[] | undefined; rejected?: readonly HttpStatus[] | undefined } | undefined
  /**
   * Decides from the status, headers and body whether a response is a success: returns true or nothing, or a string that
   * says what is wrong. It is called after the end of the response, outside of the latency, for responses whose status is
   * a success.
   *
   * @default none
   */
  check?: HttpCheck | undefined
  /**
   * The longest body that is kept for `check`, as it arrives and decompressed, and the longest event that `stream` reads: a
   * number of bytes, or with a unit. A longer one makes the request fail, of the kind `body over 16 MB` or
   * `event over 16 MB`, and closes its connection. Each request in flight may keep as much.
   *
   * @default '16 MB'; bodies are not kept without `check`, and may be of any length
   * @example '500 kB'
   */
  bodyLimit?: number | string | undefined
  /**
   * Finds the events of responses that stream: `firstMs` is then the time to the first event, and `betweenMs` has the gaps
   * between events. An event is one of an event stream (`text/event-stream`), a line of JSON lines
   * (`application/x-ndjson`), or a piece of any other body as it arrives. `true` counts all events but `[DONE]`, which ends a
   * stream of tokens; a function counts those for which it returns a true value. It is called while responses arrive, so let
   * it be quick.
   *
   * @default false: `firstMs` is the time to the first byte
   * @example ({ data }) => data !== '[DONE]' && JSON.parse(data).choices[0].delta.content
   */
  stream?: boolean | HttpEventFilter | undefined
  /**
   * How many redirects to follow for each request, within its latency. At 0 a redirect is a response like any other, and
   * a finding reports them.
   *
   * @default 0
   */
  maxRedirects?: number | undefined
  /**
   * Requests that differ: a list, a function of the request's index, or the path of a CSV or JSON-lines file with the
   * columns method, path or url, headers, body, class and weight.
   *
   * @default every request is that of the target
   */
  requests?: readonly HttpRequest[] | ((index: number) => HttpRequest) | URL | string | undefined
  /**
   * Whether requests and rows of data are taken in turn, or drawn with the seed.
   *
   * @default 'sequential'
   */
  order?: 'sequential' | 'random' | undefined
  /**
   * Rows that fill in the placeholders of `url`, headers, body and requests: `{id}` is the column `id`. A list, or the path
   * of a CSV or JSON-lines file.
   *
   * @default none
   */
  data?: readonly HttpRow[] | URL | string | undefined
  /**
   * The classes that a function of `requests` returns. Those of a list or file are found in it.
   *
   * @default none
   */
  classes?: readonly string[] | undefined
  /**
   * HTTP/2, with as many as `pipelining` requests at a time on each connection: by TLS, or without it for an http URL. A
   * server that does not speak it is an error.
   *
   * @default false: HTTP/1.1
   */
  http2?: boolean | undefined
  /**
   * The path of a Unix domain socket to connect to, instead of the host of `url`.
   *
   * @default none
   */
  socketPath?: string | undefined
  /**
   * The URL of an HTTP proxy, which may hold a user and a password.
   *
   * @default none; environment variables are not read
   */
  proxy?: URL | string | undefined
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
  failures: HttpStatus[]
  statuses?: { ok?: HttpStatus[] | undefined; rejected?: HttpStatus[] | undefined } | undefined
  check?: HttpCheck | Named | undefined
  /** bytes; absent means `BODY_LIMIT` */
  bodyLimit?: number | undefined
  /** absent if the events of responses are not read */
  stream?: true | HttpEventFilter | Named | undefined
  maxRedirects?: number | undefined
  requests?: ResolvedRequests | undefined
  order?: 'sequential' | 'random' | undefined
  data?: ResolvedData | undefined
  classes?: string[] | undefined
  http2?: boolean | undefined
  socketPath?: string | undefined
  proxy?: string | undefined
  tls?: Record<string, unknown> | undefined
  dispatcher?: HttpDispatcher | Named | undefined
}

/** An HTTP target as a Result stores it. */
export type StoredHttp = Omit<
  ResolvedHttp,
  'headers' | 'body' | 'dispatcher' | 'check' | 'stream' | 'requests' | 'data'
> & {
  headers?: HttpHeaders | Named | undefined
  body?: HttpBody | Named | undefined
  check?: Named | undefined
  stream?: true | Named | undefined
  requests?: ResolvedRequest[] | string | ByHash | FileByHash | Named | undefined
  data?: string | ByHash | FileByHash | undefined
  dispatcher?: Named | undefined
}

function hasReadableUser(given: string | URL): boolean {
  const { username, password } = new URL(given)
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

const isHttpUrl = (value: unknown) =>
  (typeof value === 'string' || isUrl(value)) &&
  URL.canParse(String(value)) &&
  /^https?:$/.test(new URL(String(value)).protocol)
/** The error of a URL, which shows it without the user, the password and the query. */
const urlError = (expected: string) => ({
  error: ({ input }: { input?: unknown }) =>
    `${expected}, got ${show(typeof input === 'string' || isUrl(input) ? displayUrl(String(input)) : input)}`,
  params: { hidesValue: true },
  abort: true,
})
const url = z
  .custom<string | URL>(isHttpUrl, urlError("must be an http or https URL, such as 'http://127.0.0.1:8080/predict'"))
  .refine(hasReadableUser, {
    error: "must have each '%' in the user name and password written as '%25'",
    params: { hidesValue: true },
  })
  .transform((given) => withPlaceholders(new URL(given).href))

/** Restores the placeholders of a URL, such as `{id}`, whose braces are escaped when it is parsed. */
const withPlaceholders = (href: string) =>
  href.replace(/%7B((?:[\w.-]|%[89A-F][\dA-F])+)%7D/g, (escaped, name) => {
    try {
      return `{${decodeURIComponent(name)}}`
    } catch {
      // not UTF-8
      return escaped
    }
  })

const proxy = z
  .custom<string | URL>(
    isHttpUrl,
    urlError("must be the http or https URL of a proxy, such as 'http://127.0.0.1:3128'"),
  )
  .transform((given) => new URL(given).href)

const headers = headersSchema<MadeFrom<HttpHeaders> | Named>(
  (value) => isFunction(value) || isNamed(value),
  ', or a function that returns one',
)
const body = live<MadeFrom<HttpBody>>(
  'a string, bytes, an object or array to send as JSON, or a function that returns one of these',
  (value) => isFunction(value) || (isBody(value) && canBeSent(value)),
)

const failureError = { error: "must be a status such as 503, or a class such as '5xx'" }
const failure = z.union(
  [z.int(failureError).min(100, failureError).max(999, failureError), z.string().regex(/^[1-5]xx$/, failureError)],
  failureError,
)

const statusList = z.array(failure, { error: "must be a list of statuses, such as [404, '3xx']" })

/** Refuses async functions, as far as they can be recognized. */
const isAsync = (value: unknown) => Object.prototype.toString.call(value) === '[object AsyncFunction]'
const check = live<HttpCheck>('a function (answer) => true, or what is wrong', isFunction).refine(
  (value) => !isAsync(value),
  { error: 'must not be async: it is called for each response, and its return value is needed at once' },
)

const STREAM_IS = 'true, or a function (event) => whether it counts'
const stream = z
  .union([z.boolean(), live<HttpEventFilter>(STREAM_IS, isFunction)], { error: `must be ${STREAM_IS}` })
  .refine((value) => !isAsync(value), {
    error: 'must not be async: it is called for each event, and its return value is needed at once',
  })

/** How many bytes of a response are kept, if `bodyLimit` does not say it. */
export const BODY_LIMIT = 16e6
const MOST_REDIRECTS = 20
/** Streams of an HTTP/2 connection, the default of Node's own servers. */
const STREAMS = 100

export const httpSchema = options({
  url,
  method: method.optional(),
  headers: headers.optional(),
  body: body.optional(),
  batch: z.boolean({ error: 'must be true or false' }).default(false),
  connections: whole(1, MOST_SERVERS, 'null means no limit').nullable().optional(),
  pipelining: whole(1, MOST_SERVERS).optional(),
  timeout: positiveDuration.nullable().default(null),
  failures: z.array(failure, { error: "must be a list of statuses, such as ['5xx', 429]" }).default(['4xx', '5xx']),
  statuses: options({ ok: statusList.optional(), rejected: statusList.optional() }).optional(),
  check: check.optional(),
  bodyLimit: size.optional(),
  stream: stream.optional(),
  maxRedirects: whole(0, MOST_REDIRECTS).optional(),
  requests: requestsSchema.optional(),
  order: z.enum(['sequential', 'random'], { error: "must be 'sequential' or 'random'" }).optional(),
  data: dataSchema.optional(),
  classes: z
    .array(z.string({ error: 'must be the name of a class' }), {
      error: "must be a list of names, such as ['browse', 'checkout']",
    })
    .min(1)
    .optional(),
  http2: z.boolean({ error: 'must be true or false' }).optional(),
  socketPath: z.string({ error: 'must be the path of a Unix domain socket' }).min(1).optional(),
  proxy: proxy.optional(),
  tls: z.record(z.string(), z.unknown(), { error: 'must be an object of options of tls.connect' }).optional(),
  dispatcher: live<HttpDispatcher>(
    'a dispatcher of undici',
    (value) => isObject(value) && isFunction(value.dispatch),
  ).optional(),
})
  .superRefine((given, context) => {
    for (const [path, error] of faultsOf(given))
      context.issues.push({ code: 'custom', message: error, input: given, path })
  })
  .transform(({ method, connections, pipelining, stream, requests, data, ...given }): ResolvedHttp => {
    const http2 = given.http2 === true
    return {
      method: method ?? (given.body === undefined ? 'GET' : 'POST'),
      connections: connections === undefined ? (http2 ? 1 : null) : connections,
      pipelining: pipelining ?? (http2 ? STREAMS : 1),
      ...given,
      ...(stream !== undefined && stream !== false && { stream }),
      // a file that a Result stored is read again
      ...(requests !== undefined && { requests: pathOfStored(requests) }),
      ...(data !== undefined && { data: pathOfStored(data) }),
    }
  })

type Given = { [Key in Exclude<keyof ResolvedHttp, 'stream'>]?: ResolvedHttp[Key] | undefined } & { stream?: unknown }

/** What is wrong with options that are right on their own: the path of the option, and the message. */
function* faultsOf(given: Given): Generator<[string[], string]> {
  const { method, body, headers, batch, connections, pipelining, tls, dispatcher } = given
  const { requests, data, order, classes, statuses, http2, socketPath, proxy } = given
  const { check, bodyLimit, stream = false } = given
  if (body !== undefined && takesNoBody(method)) yield [['body'], NO_BODY]
  if (tls !== undefined && dispatcher !== undefined) {
    yield [[], 'tls and dispatcher cannot be combined; set TLS options on the dispatcher']
  }
  for (const [name, value] of Object.entries({ http2, socketPath, proxy })) {
    if (value === undefined || value === false || dispatcher === undefined) continue
    yield [[name], 'cannot be combined with dispatcher; set it on the dispatcher']
  }
  if (proxy !== undefined && (http2 === true || socketPath !== undefined)) {
    yield [['proxy'], `cannot be combined with ${http2 === true ? 'http2' : 'socketPath'}`]
  }
  if ((connections ?? 1) * (pipelining ?? (http2 === true ? STREAMS : 1)) > MOST_SERVERS) {
    yield [[], `connections times pipelining must be at most ${MOST_SERVERS.toLocaleString('en')}`]
  }
  const differ = requests !== undefined ? 'requests' : data !== undefined ? 'data' : null
  if (batch === true && differ !== null) {
    yield [[differ], 'cannot be combined with batch: true; make the body from the indices of the batch instead']
  }
  if (differ !== null) {
    for (const [name, value] of Object.entries({ headers, body })) {
      if (isFunction(value)) {
        yield [
          [name],
          `must not be a function if there are ${differ}; make requests a function (index) => request instead`,
        ]
      }
    }
  }
  if (isFunction(requests) && data !== undefined) {
    yield [['data'], 'cannot be combined with a function of requests, which can fill them in itself']
  }
  if (order !== undefined && (differ === null || isFunction(requests))) {
    yield [['order'], 'applies to a list or a file of requests, or to data']
  }
  if (classes !== undefined && !isFunction(requests) && !isNamed(requests)) {
    yield [['classes'], 'applies to a function of requests; requests of a list or file have their class in it']
  }
  if (bodyLimit !== undefined && check === undefined && stream === false) {
    yield [['bodyLimit'], 'applies to check and stream; without them no body is kept']
  }
  const rejected = new Set(statuses?.rejected)
  const both = statuses?.ok?.find((status) => rejected.has(status))
  if (both !== undefined) yield [['statuses'], `must not have ${both} in both ok and rejected`]
}

/** How a response counts by its status. */
export type StatusOutcome = 'ok' | 'failed' | 'rejected'

/**
 * Returns how responses count by their status. Numbers go before classes, and `statuses` before `failures`. Statuses of 600
 * and above, which no class covers, are failures unless their number is listed.
 */
export function outcomeByStatus({
  failures,
  statuses = {},
}: Pick<ResolvedHttp, 'failures' | 'statuses'>): (status: number) => StatusOutcome {
  const lists = [
    ['ok', new Set(statuses.ok)],
    ['rejected', new Set(statuses.rejected)],
    ['failed', new Set(failures)],
  ] as const
  const listed = (status: HttpStatus) => lists.find(([, among]) => among.has(status))?.[0]
  const outcomes = Array.from(
    { length: 600 },
    (_, status) => listed(status) ?? listed(`${Math.floor(status / 100)}xx`) ?? 'ok',
  )
  return (status) => outcomes[status] ?? listed(status) ?? 'failed'
}

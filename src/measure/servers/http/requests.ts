import { checkColumns, toRequest } from '../../../files/requests.js'
import { type FileRow, readRows } from '../../../files/rows.js'
import { isPromise } from '../../../handler/serving.js'
import { faultOfClassCount, faultOfClassName, OTHER_CLASS } from '../../../scenario/classes.js'
import { faultOfWeights, type RequestOrder, randomOrder, sequentialOrder } from '../../../scenario/http/order.js'
import {
  canBeSent,
  type FileByHash,
  faultOfHeaders,
  faultOfHeaderValue,
  type HttpBody,
  type HttpHeaders,
  type HttpRequest,
  type HttpRow,
  isBody,
  NO_BODY,
  type ResolvedRequest,
  takesNoBody,
} from '../../../scenario/http/requests.js'
import { hashRows } from '../../../scenario/http/secrets.js'
import { columnsIn, compile, fill, parseTemplate, type Template } from '../../../scenario/http/template.js'
import { displayUrl } from '../../../scenario/http/url.js'
import type { ResolvedHttp } from '../../../scenario/http.js'
import type { RequestClasses } from '../../../scenario/request-classes.js'
import { nearestName } from '../../../validation/nearest.js'
import { isBytes, isUrl } from '../../../validation/realm.js'
import { messageOf, show, ValidationError } from '../../../validation/validation-error.js'

/** A request as it is sent. */
export interface Outgoing {
  origin: string
  path: string
  method: string
  headers: Record<string, string | string[]>
  body: string | Uint8Array | null
}

/** The requests of a run, if they differ. */
export interface RequestSource {
  /** Makes the request with this number. */
  of(number: number): Outgoing
  /** null if requests have no classes */
  readonly classes: RequestClasses | null
  /** what was in the files that were read, by their paths */
  readonly files: ReadonlyMap<string, FileByHash>
}

/**
 * Prepares the requests of a target: reads its files and checks all of it, before any request is sent.
 *
 * @param read reads a file
 * @returns null if they do not differ, or only by functions of headers and body
 * @throws ValidationError naming the row and the column
 */
export async function prepareRequests(
  http: ResolvedHttp,
  seed: number,
  read: typeof readRows = readRows,
): Promise<RequestSource | null> {
  const { requests, data } = http
  if (requests === undefined && data === undefined) {
    const [column] = columnsIn(http.url)
    if (column === undefined) return null
    throw new ValidationError(
      'http.url',
      `has the placeholder {${column}}, but there is no data to fill it in from; set http.data`,
    )
  }
  if (typeof requests === 'function') return new FunctionSource(http, requests)
  const files = new Map<string, FileByHash>()
  const readFile = async (file: string) => {
    const rows = await read(file)
    files.set(file, { file, ...hashRows(rows.map(({ columns }) => columns)) })
    return rows
  }
  const entries = await entriesOf(http, readFile)
  const rows = data === undefined ? null : await rowsOf(data as Exclude<typeof data, undefined>, readFile)
  return new ListSource(http, entries, rows, seed, files)
}

type ReadFile = (file: string) => Promise<FileRow[]>

/** A request of a list or a file, and where it is. */
interface Entry {
  place: string
  request: ResolvedRequest
  /** the columns of a file, which fill in placeholders of the target and of the row itself */
  own: HttpRow | null
}

async function entriesOf({ requests, url, headers, body }: ResolvedHttp, read: ReadFile): Promise<Entry[]> {
  if (requests === undefined) return [{ place: 'http', request: {}, own: null }]
  if (Array.isArray(requests)) {
    return requests.map((request, i) => ({ place: `http.requests.${i}`, request, own: null }))
  }
  const rows = await read(requests as string)
  checkColumns(requests as string, rows, columnsIn([url, headers, body]))
  return rows.map((row) => ({ place: row.place, request: toRequest(row), own: row.columns }))
}

async function rowsOf(data: NonNullable<ResolvedHttp['data']>, read: ReadFile): Promise<FileRow[]> {
  if (typeof data === 'string') return read(data)
  return (data as HttpRow[]).map((columns, i) => ({ place: `http.data.${i}`, columns }))
}

/** Most requests are made from rows of data this often, to check them before the run. */
const MOST_CHECKED = 5_000_000

/** Requests of a list or a file, in turn or drawn. */
class ListSource implements RequestSource {
  readonly #made: (Outgoing | ((row: HttpRow) => Outgoing))[]
  readonly #own: (HttpRow | null)[]
  readonly #rows: FileRow[] | null
  readonly #order: RequestOrder
  readonly classes: RequestClasses | null
  readonly files: ReadonlyMap<string, FileByHash>

  constructor(
    http: ResolvedHttp,
    entries: Entry[],
    rows: FileRow[] | null,
    seed: number,
    files: ReadonlyMap<string, FileByHash>,
  ) {
    this.files = files
    const target = new Target(http)
    this.#rows = rows
    this.#order = orderOf(http, entries, rows?.length ?? 1, seed)
    this.classes = classesOf(entries, this.#order)
    this.#own = entries.map(({ own }) => own)
    let checked = 0
    this.#made = entries.map((entry) => {
      const { needed, make } = withPlace(entry.place, () => compileEntry(entry, target, rows !== null))
      const own = entry.own ?? {}
      const missing = needed.filter(({ column }) => !Object.hasOwn(own, column))
      if (missing.length === 0) return withPlace(entry.place, () => make(own))
      const names = new Set([...Object.keys(own), ...Object.keys(rows?.[0]?.columns ?? {})])
      for (const row of rows ?? [{ place: '', columns: {} }]) {
        if (checked++ >= MOST_CHECKED) break
        for (const { column, field } of missing) {
          if (!Object.hasOwn(row.columns, column)) throw noColumn(entry.place, field, column, row, names, rows !== null)
        }
        withPlace(`${row.place} in ${entry.place}`, () => make({ ...row.columns, ...own }))
      }
      return make
    })
  }

  of(number: number): Outgoing {
    const i = this.#order.requestOf(number)
    const made = this.#made[i] as Outgoing | ((row: HttpRow) => Outgoing)
    if (typeof made !== 'function') return made
    const { columns } = (this.#rows as FileRow[])[this.#order.rowOf(number)] as FileRow
    const own = this.#own[i] as HttpRow | null
    return made(own === null ? columns : { ...columns, ...own })
  }
}

/** Makes something of a request, and adds its place to an error. */
function withPlace<Value>(place: string, make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    if (error instanceof ValidationError) throw error
    throw new ValidationError(error instanceof FieldError ? pathOf(place, error.field) : place, messageOf(error), {
      cause: error,
    })
  }
}

/** The path of a field of a request; a field of the target has its own. */
const pathOf = (place: string, field: string) => (field.startsWith('http.') ? field : `${place}.${field}`)

/** The error of a value that a request cannot have. */
class FieldError extends Error {
  readonly field: string
  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

function noColumn(place: string, field: string, column: string, row: FileRow, names: Set<string>, hasData: boolean) {
  if (!hasData) {
    const from = names.size === 0 ? 'there is no data to fill it in from; set http.data' : 'the file has no such column'
    return new ValidationError(pathOf(place, field), `has the placeholder {${column}}, but ${from}`)
  }
  const nearest = nearestName(column, [...names])
  const hint = nearest === null || nearest === column ? '' : ` (did you mean {${nearest}}?)`
  return new ValidationError(
    pathOf(place, field),
    `has the placeholder {${column}}, but ${row.place} has no column '${column}'${hint}; it has ${Object.keys(row.columns).map(show).join(', ') || 'none'}`,
  )
}

function orderOf({ order }: ResolvedHttp, entries: Entry[], rows: number, seed: number): RequestOrder {
  const weights = entries.map(({ request }) => request.weight ?? 1)
  if (order === 'random') return randomOrder(weights, rows, seed)
  const fault = faultOfWeights(weights)
  if (fault !== null) {
    throw new ValidationError('http.requests', `${fault}; set order: 'random', or change the weights`)
  }
  return sequentialOrder(weights, rows)
}

function classesOf(entries: Entry[], order: RequestOrder): RequestClasses | null {
  if (entries.every(({ request }) => request.class === undefined)) return null
  const names = [...new Set(entries.map(({ request }) => request.class ?? OTHER_CLASS))]
  for (const { place, request } of entries) {
    const fault = faultOfClassName(request.class ?? OTHER_CLASS)
    if (fault !== null) throw new ValidationError(`${place}.class`, `${fault}, got ${show(request.class)}`)
  }
  const fault = faultOfClassCount(names.length)
  if (fault !== null) throw new ValidationError('http.requests', fault)
  const places = Uint32Array.from(entries, ({ request }) => names.indexOf(request.class ?? OTHER_CLASS))
  return { names, classOf: (index) => places[order.requestOf(index)] as number }
}

/** Paths that a URL leaves as they are, and that need not be parsed: no dots before a name, no escapes, no empty names. */
const PLAIN_PATH = /^(?:\/[\w~-][\w~.-]*)+(?:\?[\w~.=&+,:;@/-]*)?$/

/** What requests take from the target if they do not have it themselves. */
class Target {
  readonly url: URL
  readonly origin: string
  readonly text: string
  readonly method: string
  readonly headers: HttpHeaders
  readonly body: HttpBody | undefined
  readonly authorization: string | null

  constructor({ url, method, headers, body }: ResolvedHttp) {
    this.text = url
    this.url = new URL(url)
    this.origin = this.url.origin
    this.method = method
    this.headers = (headers ?? {}) as HttpHeaders
    this.body = body as HttpBody | undefined
    this.authorization = encodeCredentials(this.url)
  }

  methodOf({ method, body }: HttpRequest): string {
    return method?.toUpperCase() ?? (body !== undefined && takesNoBody(this.method) ? 'POST' : this.method)
  }

  bodyOf({ method, body }: HttpRequest): HttpBody | undefined {
    return body ?? (takesNoBody(method?.toUpperCase()) ? undefined : this.body)
  }

  /** The headers of a request by lower-case name. */
  headersOf({ headers }: HttpRequest): Record<string, HttpHeaders[string]> {
    const all: Record<string, HttpHeaders[string]> = {}
    for (const [name, value] of Object.entries({ ...this.headers })) all[name.toLowerCase()] = value
    for (const [name, value] of Object.entries({ ...headers })) all[name.toLowerCase()] = value
    return all
  }

  /** Finds the server and the path of a request. */
  locate({ path, url }: HttpRequest): { origin: string; path: string } {
    if (url === undefined && path !== undefined && PLAIN_PATH.test(path)) return { origin: this.origin, path }
    const text = url === undefined ? path : isUrl(url) ? url.href : url
    const to = text === undefined ? this.url : this.resolve(text, url === undefined ? 'path' : 'url')
    return { origin: to.origin, path: to.pathname + to.search }
  }

  /** Resolves the URL of a request, and refuses one that cannot be requested. */
  resolve(text: string, field: string): URL {
    if (!URL.canParse(text, this.url.href)) {
      throw new FieldError(field, `must make a URL, got ${show(displayUrl(text))}`)
    }
    const url = new URL(text, this.url)
    if (!/^https?:$/.test(url.protocol))
      throw new FieldError(field, `must make an http or https URL, got ${show(displayUrl(text))}`)
    if (field === 'path' && url.origin !== this.origin) {
      throw new FieldError(
        field,
        `must be a path on the server of http.url, got ${show(displayUrl(text))}; use url for another server`,
      )
    }
    return url
  }
}

/** Encodes the user and password of a URL as a basic authorization header; null without them. */
export function encodeCredentials({ username, password }: URL): string | null {
  if (username === '' && password === '') return null
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
}

interface Needed {
  column: string
  field: string
}

/** Compiles a request: the columns that it takes, and a function that makes it from a row. */
function compileEntry(
  { request, own }: Entry,
  target: Target,
  hasData: boolean,
): { needed: Needed[]; make: (row: HttpRow) => Outgoing } {
  const field =
    request.url !== undefined ? 'url' : request.path !== undefined ? 'path' : own === null ? 'url' : 'http.url'
  const text = request.url ?? request.path ?? target.text
  const url = compileUrl(text, field, target)
  const method = target.methodOf(request)
  const headers = target.headersOf(request)
  const body = target.bodyOf(request)
  const fills = (value: unknown) =>
    columnsIn(value).filter((column) => hasData || (own !== null && Object.hasOwn(own, column)))
  const inHeaders = fills(headers)
  const inBody = fills(body)
  const needed = [
    ...columnsIn(text).map((column) => ({ column, field })),
    ...inHeaders.map((column) => ({ column, field: 'headers' })),
    ...inBody.map((column) => ({ column, field: 'body' })),
  ]
  const makeHeaders = inHeaders.length > 0 ? compile(headers) : () => headers
  const makeBody = inBody.length > 0 ? compile(body) : () => body
  const build = (row: HttpRow, authorization: string | null) =>
    buildContent(makeHeaders(row) as HttpHeaders, makeBody(row) as HttpBody | undefined, authorization, method)
  // built once if no row changes it: with the user of the target, and for other servers
  const isFixed = inHeaders.length === 0 && inBody.length === 0
  const fixed = isFixed ? { own: build({}, target.authorization), others: build({}, null) } : null
  return {
    needed,
    make: (row) => {
      const { origin, path } = url(row)
      const isOwn = origin === target.origin
      const content =
        fixed === null ? build(row, isOwn ? target.authorization : null) : isOwn ? fixed.own : fixed.others
      return { origin, path, method, ...content }
    },
  }
}

/** A text that stands for a placeholder while a URL is parsed. */
const STAND_IN = 'throughline-placeholder-'
const STAND_INS = new RegExp(`${STAND_IN}(\\d+)-`)

function compileUrl(text: string, field: string, target: Target): (row: HttpRow) => { origin: string; path: string } {
  const template = parseTemplate(text)
  if (template.length === 1) {
    const url = target.resolve(text, field)
    const made = { origin: url.origin, path: url.pathname + url.search }
    return () => made
  }
  // a placeholder at the start is a whole path or URL
  if (template[0] === '') {
    const [, first, ...rest] = template as [string, string, ...string[]]
    return (row) => {
      const url = target.resolve(String(row[first] ?? '') + fill(rest, row, encodeURIComponent), field)
      return { origin: url.origin, path: url.pathname + url.search }
    }
  }
  const standIns = template.map((part, i) => (i % 2 === 0 ? part : `${STAND_IN}${i}-`)).join('')
  const url = target.resolve(standIns, field)
  if (url.host.includes(STAND_IN)) {
    throw new FieldError(
      field,
      "must not have a placeholder in the host; use a column with whole URLs, such as url: '{url}'",
    )
  }
  const path = (url.pathname + url.search)
    .split(STAND_INS)
    .map((part, i) => (i % 2 === 0 ? part : (template[Number(part)] as string)))
  const inPath = placeholdersBefore('?', path)
  return (row) => {
    const empty = inPath.find((column) => row[column] === '' || row[column] === null || row[column] === undefined)
    if (empty !== undefined)
      throw new FieldError(field, `has the placeholder {${empty}}, but the column '${empty}' is empty`)
    return { origin: url.origin, path: fill(path, row, encode) }
  }
}

function placeholdersBefore(end: string, template: Template): string[] {
  const last = template.findIndex((part, i) => i % 2 === 0 && part.includes(end))
  return template.slice(0, last < 0 ? undefined : last).filter((_, i) => i % 2 === 1)
}

function encode(value: string): string {
  try {
    return encodeURIComponent(value)
  } catch {
    throw new TypeError(`cannot be part of a URL: ${show(value)} has an unpaired surrogate`)
  }
}

/** Builds the headers and body of a request. */
export function buildContent(
  headers: HttpHeaders,
  body: HttpBody | undefined,
  authorization: string | null,
  method: string,
): Pick<Outgoing, 'headers' | 'body'> {
  const sent: Outgoing['headers'] = {}
  if (authorization !== null) sent.authorization = authorization
  for (const [name, value] of Object.entries(headers)) {
    const given = typeof value === 'object' && value !== null ? value.map(String) : String(value)
    const fault = faultOfHeaderValue(name, given)
    if (fault !== null) throw new FieldError('headers', fault)
    sent[name.toLowerCase()] = given
  }
  if (body === undefined) return { headers: sent, body: null }
  if (takesNoBody(method)) throw new FieldError('body', `must be omitted: ${NO_BODY}`)
  if (typeof body === 'string') return { headers: sent, body }
  // undici accepts only buffers of this realm
  if (isBytes(body)) return { headers: sent, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }
  sent['content-type'] ??= 'application/json'
  return { headers: sent, body: JSON.stringify(body) }
}

/** How many of the latest requests of a function are kept, for their classes. */
const KEPT = 1024

/**
 * Requests that a function makes from their numbers. One for which it throws, or whose class is unknown, fails when it is
 * sent, and is of the class `other`.
 */
class FunctionSource implements RequestSource {
  readonly #target: Target
  readonly #make: (index: number) => HttpRequest
  /** null if requests have no classes */
  readonly #names: readonly string[] | null
  readonly #numbers = new Float64Array(KEPT).fill(-1)
  readonly #kept: (HttpRequest | Thrown)[] = new Array(KEPT)
  readonly classes: RequestClasses | null
  readonly files: ReadonlyMap<string, FileByHash> = new Map()

  constructor(http: ResolvedHttp, make: (index: number) => HttpRequest) {
    this.#target = new Target(http)
    this.#make = make
    const { classes } = http
    const fault =
      classes?.map(faultOfClassName).find((each) => each !== null) ?? faultOfClassCount(classes?.length ?? 1)
    if (fault !== null) throw new ValidationError('http.classes', fault)
    const names = classes?.includes(OTHER_CLASS) === false ? [...classes, OTHER_CLASS] : classes
    this.#names = names ?? null
    this.classes = names === undefined ? null : { names, classOf: (index) => this.#classOf(index, names) }
  }

  of(number: number): Outgoing {
    const request = this.#request(number)
    const { class: name = OTHER_CLASS } = request
    if (this.#names?.includes(name) === false) {
      throw new TypeError(
        `requests must return one of http.classes (${this.#names.join(', ')}) as class; it returned ${show(name)}`,
      )
    }
    const target = this.#target
    const { origin, path } = target.locate(request)
    const authorization = origin === target.origin ? target.authorization : null
    const method = target.methodOf(request)
    const content = buildContent(target.headersOf(request), target.bodyOf(request), authorization, method)
    return { origin, path, method, ...content }
  }

  /** Calls the function, once for each request unless many are in flight, and throws what it threw. */
  #request(number: number): HttpRequest {
    const place = number % KEPT
    if (this.#numbers[place] !== number) {
      this.#kept[place] = this.#made(number)
      this.#numbers[place] = number
    }
    const kept = this.#kept[place] as HttpRequest | Thrown
    if (kept instanceof Thrown) throw kept.error
    return kept
  }

  #made(number: number): HttpRequest | Thrown {
    try {
      return checked(this.#make(number))
    } catch (error) {
      return new Thrown(error)
    }
  }

  #classOf(index: number, names: readonly string[]): number {
    let name: string | undefined
    try {
      name = this.#request(index).class
    } catch {
      // it fails when it is sent
    }
    const found = name === undefined ? -1 : names.indexOf(name)
    return found < 0 ? names.indexOf(OTHER_CLASS) : found
  }
}

/** What a function threw instead of a request. */
class Thrown {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** Checks what a function of requests returned. */
function checked(request: unknown): HttpRequest {
  if (typeof request !== 'object' || request === null || isPromise(request)) {
    throw new TypeError(`requests must return a request, such as { path: '/users/7' }; it returned ${show(request)}`)
  }
  const { method, path, url, headers, body } = request as HttpRequest
  const text = (value: unknown) => value === undefined || typeof value === 'string'
  const fault = !text(method)
    ? ['method', method]
    : !text(path)
      ? ['path', path]
      : !text(url) && !isUrl(url)
        ? ['url', url]
        : body !== undefined && !(isBody(body) && canBeSent(body))
          ? ['body', body]
          : null
  if (fault !== null) throw new TypeError(`requests returned a request whose ${fault[0]} is invalid: ${show(fault[1])}`)
  const ofHeaders = headers === undefined ? null : faultOfHeaders(headers)
  if (ofHeaders !== null) throw new TypeError(`headers of a request that requests returned ${ofHeaders}`)
  return request as HttpRequest
}

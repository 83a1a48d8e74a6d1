import { type HttpRequest, type ResolvedRequest, requestSchema } from '../scenario/http/requests.js'
import { nearestName, suggest } from '../validation/nearest.js'
import { show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { type FileRow, parseRows } from './rows.js'
import { openTrace, type ReadTraceOptions, type Times, type TraceFile, timesOf } from './trace.js'

/** The columns of a file of requests; `headers.accept` is the header `accept`. */
const COLUMNS = ['method', 'path', 'url', 'headers', 'body', 'class', 'weight']
const isColumn = (name: string) => COLUMNS.includes(name.split('.')[0] as string)

/**
 * Refuses a file of requests that has no known column, or a misspelt one.
 *
 * @param file its path
 * @param filled other columns that the target takes
 * @throws ValidationError naming the file and its columns
 */
export function checkColumns(file: string, rows: readonly FileRow[], filled: readonly string[]): void {
  const [first] = rows as [FileRow]
  const names = Object.keys(first.columns)
  if (!names.some((name) => isColumn(name) || filled.includes(name))) {
    throw new ValidationError(
      file,
      `must have at least one of the columns ${COLUMNS.join(', ')}, or one that http.url names, such as {id}; it has ${names.map(show).join(', ')}`,
    )
  }
  for (const name of names) {
    const meant = isColumn(name) ? null : nearestName(name, COLUMNS)
    if (meant === null || names.includes(meant) || Math.abs(name.length - meant.length) > 1) continue
    throw new ValidationError(first.place, `has the column ${show(name)}${suggest(meant)}; rename it`)
  }
}

/**
 * Reads a row of a file as a request. Empty fields are left out, and other columns ignored.
 *
 * @throws ValidationError naming the line and the column
 */
export function toRequest({ place, columns }: FileRow): ResolvedRequest {
  const given: Record<string, unknown> = {}
  for (const name of COLUMNS) {
    const value = columns[name]
    if (value !== undefined && value !== null && value !== '') given[name] = value
  }
  if (typeof given.weight === 'string') given.weight = Number(given.weight)
  if (typeof given.headers === 'string') {
    try {
      given.headers = JSON.parse(given.headers)
    } catch {
      // it may hold secrets, which the error of the parser would quote
      throw new ValidationError(
        `${place}.headers`,
        'must be a JSON object, such as {"accept":"text/plain"}, got other text',
      )
    }
  }
  const single = Object.entries(columns).filter(([name, value]) => name.startsWith('headers.') && value !== '')
  if (single.length > 0) {
    const named = Object.fromEntries(single.map(([name, value]) => [name.slice('headers.'.length), value]))
    given.headers = { ...(given.headers as object | undefined), ...named }
  }
  const parsed = requestSchema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, place, given)
  return parsed.data
}

/**
 * Reads a recorded trace of HTTP requests, each with its time, such as an access log: CSV with names of columns, JSON lines
 * of objects, or one JSON list of them. Columns are those of a file of `http.requests`; others are ignored.
 *
 * @example
 * import { writeFile } from 'node:fs/promises'
 *
 * await writeFile('log.jsonl', '{"at":"2026-03-01T12:00:00Z","path":"/a"}\n{"at":"2026-03-01T12:00:00.5Z","path":"/b"}\n')
 * const { times, requests } = await readRequestTrace('log.jsonl', { field: 'at' })
 * console.log(times, requests) // [ 0, 500 ] [ { path: '/a' }, { path: '/b' } ]
 * // await measure({ arrivals: replay(times), http: { url: 'http://127.0.0.1:8080', requests } })
 *
 * @param file a path, relative to the working directory, or a file URL
 * @returns the times in milliseconds, ascending, and the request of each
 * @throws ValidationError naming the file and the line
 */
export async function readRequestTrace(
  file: string | URL,
  options: ReadTraceOptions = {},
): Promise<{ times: number[]; requests: HttpRequest[] }> {
  const trace = await openTrace(file, options)
  const times = timesOf(trace)
  return withRequests(trace, times, rowsOf(trace))
}

/**
 * Reads a trace, with its requests if it has any.
 *
 * @throws ValidationError naming the file and the line
 */
export async function readTraceAndRequests(
  file: string,
  options: ReadTraceOptions,
): Promise<{ times: number[]; requests?: HttpRequest[] }> {
  const trace = await openTrace(file, options)
  const times = timesOf(trace)
  const rows = requestRows(trace)
  return rows === null ? { times: times.times } : withRequests(trace, times, rows)
}

const rowsOf = ({ path, text, options }: TraceFile) => parseRows(path, text, options.format)

/** The rows of a trace; null if they are not those of requests. */
function requestRows(trace: TraceFile): FileRow[] | null {
  try {
    const rows = rowsOf(trace)
    return Object.keys((rows[0] as FileRow).columns).some(isColumn) ? rows : null
  } catch {
    return null
  }
}

function withRequests(
  { path }: TraceFile,
  { times, order }: Times,
  rows: readonly FileRow[],
): { times: number[]; requests: HttpRequest[] } {
  if (rows.length !== times.length) {
    throw new ValidationError(path, 'must have names of columns in its first line, to tell times from requests')
  }
  checkColumns(path, rows, [])
  // each is sent once, at its time
  const requests = rows.map((row): HttpRequest => {
    const { weight: _, ...request } = toRequest(row)
    return request
  })
  return { times, requests: order === null ? requests : Array.from(order, (i) => requests[i] as HttpRequest) }
}

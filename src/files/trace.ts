import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { LONGEST_NS, NS_PER_MS } from '../scenario/nanoseconds.js'
import { MS_PER, options } from '../scenario/units.js'
import { show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { type CsvRecord, parseCsv, SEPARATORS } from './csv.js'
import { parseJsonValues } from './json-values.js'
import { isJson, readLines } from './rows.js'

/** Options of `readTrace`. */
export interface ReadTraceOptions {
  /**
   * The column of a CSV file, by name or by number from 1; or the field of a JSON-lines file, by name for objects and by
   * number from 1 for lists.
   *
   * @default 'timeMs' if the file has it, else the first column of a CSV file
   */
  field?: string | number | undefined
  /**
   * The unit of the times in the file.
   *
   * @default 'ms'
   */
  unit?: 'ns' | 'us' | 'ms' | 's' | 'm' | 'h' | undefined
  /**
   * The format of the file.
   *
   * @default 'json-lines' if the file name ends in `.jsonl`, `.ndjson` or `.json`, or the file begins with an object; else 'csv'
   */
  format?: 'csv' | 'json-lines' | undefined
  /**
   * The separator of a CSV file.
   *
   * @default detected: the one that gives a column of times
   */
  separator?: ',' | ';' | '\t' | '|' | undefined
  /**
   * Whether to subtract the first time from all, as of epoch times: the first request is then due at 0.
   *
   * @default true for ISO times, such as '2026-03-01T12:00:00Z'; else false
   */
  shift?: boolean | undefined
  /**
   * Whether to sort requests by their times. Without it, times out of order are an error.
   *
   * @default false
   */
  sort?: boolean | undefined
}

type Separator = (typeof SEPARATORS)[number]

const fieldError = 'must be the name of a column or field, or the number of a column from 1'
const isField = (value: unknown) => (typeof value === 'number' ? Number.isInteger(value) && value >= 1 : value !== '')

const schema = options({
  field: z.union([z.string(), z.number()], { error: fieldError }).refine(isField, { error: fieldError }).optional(),
  unit: z.enum(['ns', 'us', 'ms', 's', 'm', 'h'], { error: "must be 'ns', 'us', 'ms', 's', 'm' or 'h'" }).default('ms'),
  format: z.enum(['csv', 'json-lines'], { error: "must be 'csv' or 'json-lines'" }).optional(),
  separator: z.enum(SEPARATORS, { error: "must be ',', ';', '\\t' or '|'" }).optional(),
  shift: z.boolean({ error: 'must be true or false' }).optional(),
  sort: z.boolean({ error: 'must be true or false' }).default(false),
})

const DEFAULT_FIELD = 'timeMs'

/** The value for a request's time, and its place in the file. */
interface Entry {
  /** `trace.csv:7` */
  place: string
  time: unknown
}

/**
 * Reads the times of a recorded trace from a file, for `replay`: CSV with or without a header, JSON lines (a number, an
 * object or a list on each line), or one JSON list. Times are numbers, which count from the start of the run and are not
 * shifted unless `shift` is true, or ISO times, which count from the first. In a CSV file the separator is detected and
 * decimal commas are accepted. Ambiguous numbers and thousands separators are errors.
 *
 * @example
 * const times = await readTrace('requests.csv', { field: 'arrivedAt', unit: 's' })
 * const result = simulate({ arrivals: replay(times), service: '1ms' })
 *
 * @param file a path, relative to the working directory, or a file URL
 * @returns the times in milliseconds, ascending
 * @throws ValidationError naming the file and the line, if it cannot be read or holds an invalid time
 */
export async function readTrace(file: string | URL, given: ReadTraceOptions = {}): Promise<number[]> {
  return timesOf(await openTrace(file, given)).times
}

/** A trace whose times are not parsed yet. */
export interface TraceFile {
  path: string
  text: string
  options: z.output<typeof schema>
}

/**
 * Reads the text of a trace.
 *
 * @throws ValidationError if an option is invalid or the file cannot be read
 */
export async function openTrace(file: string | URL, given: ReadTraceOptions): Promise<TraceFile> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'readTrace', given)
  const path = file instanceof URL ? toPath(file) : file
  return { path, text: await readLines(path), options: asked.data }
}

/** The times of a trace, and the places in the file of the requests in their order; null if it is that of the file. */
export interface Times {
  times: number[]
  order: Uint32Array | null
}

/**
 * Parses the times of a trace.
 *
 * @throws ValidationError naming the file and the line
 */
export function timesOf({ path, text, options }: TraceFile): Times {
  const { field, unit, format, separator, shift, sort } = options
  if (format === undefined && COMMON_LOG.test(text)) {
    throw new ValidationError(
      path,
      'is in Common Log Format, which has only whole seconds; configure the server to log JSON lines with milliseconds, such as {"time":1767225600.250,"path":"/users/7"}',
    )
  }
  const entries = isJson(path, text, format)
    ? parseJsonEntries(path, text, field)
    : parseCsvEntries(path, text, { field, unit, separator })
  if (entries.length === 0) throw new ValidationError(path, 'holds no requests')
  return parseTimes(entries, unit, shift, sort)
}

/** A line in the common or combined log format of nginx and Apache: `::1 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1"`. */
const COMMON_LOG = /^\S+ \S+ \S+ \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "/

/** A number as programs write it, in a form that JavaScript parses. */
const NUMBER = /^\+?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i

/** A date and time by ISO 8601, with or without seconds, a fraction and a time zone. */
const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i

/** An ISO time in milliseconds, to the nanosecond; UTC if it has no time zone. Null if it is not one. */
function isoMs(time: unknown): number | null {
  const match = typeof time === 'string' ? ISO.exec(time.trim()) : null
  if (match === null) return null
  const [, date, clock, fraction = '0', zone = 'Z'] = match as unknown as [string, string, string, string?, string?]
  const offset = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}` : 'Z'
  const ms = Date.parse(`${date}T${clock}${clock.length === 5 ? ':00' : ''}${offset}`)
  return Number.isNaN(ms) ? null : ms + 1000 * Number(`0.${fraction}`)
}

function parseTimes(
  entries: Entry[],
  unit: NonNullable<ReadTraceOptions['unit']>,
  shift: boolean | undefined,
  sort: boolean,
): Times {
  const iso = isoMs(entries[0]?.time) !== null
  if (iso && shift === false) {
    throw new ValidationError(
      (entries[0] as Entry).place,
      `must be a number if shift is false, got ${show(entries[0]?.time)}; omit shift, so that times count from the first one`,
    )
  }
  const perUnit = iso ? 1 : (MS_PER[unit] as number)
  const read = entries.map(({ place, time }) => {
    const number = iso ? isoMs(time) : typeof time === 'string' && NUMBER.test(time.trim()) ? Number(time) : time
    if (typeof number === 'number' && number >= 0) return number
    const what = iso ? 'an ISO time, as the first line does' : `a time of 0 or more in ${unit}`
    throw new ValidationError(place, `must hold ${what}, got ${show(time)}`)
  })
  const order = sort
    ? Uint32Array.from(read.keys()).sort((a, b) => (read[a] as number) - (read[b] as number) || a - b)
    : null
  const first = (shift ?? iso) ? (read[order?.[0] ?? 0] as number) : 0
  let last = 0
  const times = read.map((_, k) => {
    const i = order?.[k] ?? k
    const { place, time } = entries[i] as Entry
    const at = ((read[i] as number) - first) * perUnit
    if (at * NS_PER_MS >= LONGEST_NS) {
      const hint =
        first === 0 ? 'set shift: true to subtract the first time from all times, or check the unit' : 'check the unit'
      throw new ValidationError(
        place,
        `must hold a time within 104 days (2^53 ns) of the start of the run, got ${show(time)}${iso ? '' : ` ${unit}`}; ${hint}`,
      )
    }
    if (at < last) {
      const before = iso ? show(entries[k - 1]?.time) : `${last / perUnit + first} ${unit}`
      throw new ValidationError(
        place,
        `must not be earlier than the time before it, ${before}, got ${show(time)}; sort the file by time, or set sort: true`,
      )
    }
    last = at
    return at
  })
  return { times, order }
}

interface CsvShape {
  field: string | number | undefined
  unit: string
  separator: Separator | undefined
}

function parseCsvEntries(path: string, text: string, { field, unit, separator: given }: CsvShape): Entry[] {
  const separator = given ?? detectSeparator(path, text, field)
  const { records, openQuote } = parseCsv(text, separator)
  if (openQuote !== null) throw new ValidationError(`${path}:${openQuote}`, 'has a quote that is not closed')
  const [first] = records
  if (first === undefined) return []
  const column = requireColumn(path, first, field)
  const named = hasHeader(first, field)
  const rows = named ? records.slice(1) : records
  const most = first.fields.length
  const longer = rows.find(({ fields }) => fields.length > most && fields.slice(most).some((each) => each !== ''))
  if (longer !== undefined) {
    throw new ValidationError(
      `${path}:${longer.line}`,
      `has ${longer.fields.length} fields separated by ${show(separator)}, but the first line has ${most}; if it is a decimal sign, separate fields by ';' or quote them`,
    )
  }
  const entries = rows.map(({ line, fields }) => ({ place: `${path}:${line}`, time: fields[column] }))
  if (!named && given === undefined && field === undefined && isAmbiguous(rows, separator)) {
    throw new ValidationError(
      path,
      "holds two whole numbers on each line, or one with a decimal comma; name the column (field: 1), or separate fields by ';'",
    )
  }
  return replaceDecimalCommas(entries, unit)
}

/** Whether each line may hold one number with a decimal comma instead of two numbers. */
const isAmbiguous = (rows: readonly CsvRecord[], separator: Separator) =>
  separator === ',' && rows.length > 0 && rows.every(({ fields }) => /^\d+,\d+$/.test(fields.join()))

/** Whether the first line is a header: it has no numbers, or a column is named. */
function hasHeader({ fields }: CsvRecord, field: string | number | undefined): boolean {
  return (
    typeof field === 'string' ||
    fields.every((name) => name === '' || (Number.isNaN(Number(name.replace(',', '.'))) && isoMs(name) === null))
  )
}

/** A number with a decimal comma. */
const WITH_COMMA = /^\d*,\d+$/
/** A number that may also have a thousands separator, such as 1,234. */
const OF_THOUSANDS = /^[1-9]\d{0,2},\d{3}$/

/** Replaces decimal commas by points, if the whole column has them. */
function replaceDecimalCommas(entries: Entry[], unit: string): Entry[] {
  const texts = entries.filter((entry): entry is Entry & { time: string } => typeof entry.time === 'string')
  const commas = texts.filter(({ time }) => WITH_COMMA.test(time))
  const [first] = commas
  if (first === undefined) return entries
  if (commas.every(({ time }) => OF_THOUSANDS.test(time))) {
    throw new ValidationError(
      first.place,
      `holds ${show(first.time)}, with a thousands separator or a decimal comma; write times without thousands separators and with a decimal point`,
    )
  }
  const point = texts.find(({ time }) => time.includes('.'))
  if (point !== undefined) {
    throw new ValidationError(
      point.place,
      `must hold a time of 0 or more in ${unit} with a decimal comma, as ${first.place} does, got ${show(point.time)}`,
    )
  }
  return entries.map(({ place, time }) => ({
    place,
    time: typeof time === 'string' && WITH_COMMA.test(time) ? time.replace(',', '.') : time,
  }))
}

/**
 * Detects the separator of a CSV file: of those in its first line, the one that gives the first request a time.
 *
 * @throws ValidationError if several do, naming them
 */
function detectSeparator(path: string, text: string, field: string | number | undefined): Separator {
  const head = text.slice(0, HEAD)
  const dividing = SEPARATORS.filter((separator) => (parseCsv(head, separator, 1).records[0]?.fields.length ?? 0) > 1)
  const [only = ','] = dividing
  if (dividing.length < 2) return only
  const fitting = dividing.filter((separator) => {
    const [first, second] = parseCsv(head, separator, 2).records as [CsvRecord, CsvRecord | undefined]
    const row = hasHeader(first, field) ? second : first
    const time = row?.fields[columnIndex(first, field)] ?? ''
    return NUMBER.test(time) || WITH_COMMA.test(time) || isoMs(time) !== null
  })
  if (fitting.length > 1) {
    const signs = fitting.map((separator) => `'${separator === '\t' ? '\\t' : separator}'`).join(' or ')
    throw new ValidationError(path, `may have fields separated by ${signs}; choose one with the option separator`)
  }
  return fitting[0] ?? only
}

/** How much of a file is read to detect the separator. */
const HEAD = 64 * 1024

/** The index of a column from 0; -1 if no column has that name. */
function columnIndex({ fields }: CsvRecord, field: string | number | undefined): number {
  if (typeof field === 'number') return field - 1
  return field === undefined ? Math.max(0, fields.indexOf(DEFAULT_FIELD)) : fields.indexOf(field)
}

function requireColumn(path: string, record: CsvRecord, field: string | number | undefined): number {
  const { line, fields } = record
  const column = columnIndex(record, field)
  if (column < 0 || column >= fields.length) {
    throw new ValidationError(`${path}:${line}`, `has no column ${show(field)}; it has ${formatNames(fields)}`)
  }
  return column
}

function parseJsonEntries(path: string, text: string, field: string | number = DEFAULT_FIELD): Entry[] {
  return parseJsonValues(path, text, (place, value) => toEntry(place, value, field))
}

function toEntry(place: string, value: unknown, field: string | number): Entry {
  if (typeof value !== 'object' || value === null) return { place, time: value }
  const key = Array.isArray(value) && typeof field === 'number' ? field - 1 : field
  if (!Object.hasOwn(value, key)) {
    const has = Array.isArray(value)
      ? `is a list of ${value.length} values; choose one with the option field, from 1`
      : `has no field ${show(field)}; it has ${formatNames(Object.keys(value))}`
    throw new ValidationError(place, has)
  }
  return { place, time: (value as Record<string | number, unknown>)[key] }
}

/** Lists names for a message. */
const formatNames = (names: readonly string[]) =>
  names.slice(0, MOST_LISTED).map(show).join(', ') + (names.length > MOST_LISTED ? ', …' : '')
const MOST_LISTED = 20

function toPath(file: URL): string {
  if (file.protocol === 'file:') return fileURLToPath(file)
  throw new ValidationError('readTrace', `must be a path or a file URL, got ${show(file.href)}`)
}

import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { ScenarioError, show, throwFaults } from '../scenario/error.js'
import { LONGEST_NS, MS_PER, NS_PER_MS, options } from '../scenario/units.js'
import { parseCsv } from './csv.js'
import { readText } from './file.js'

export interface ReadTraceOptions {
  /**
   * The column of a CSV file, by its name or its number from 1, or the field of a JSON-lines file. Default: `timeMs`
   * where there is one, and else a CSV file's first column.
   */
  field?: string | number | undefined
  /** What the file's numbers count. Default: milliseconds. */
  unit?: 'ns' | 'us' | 'ms' | 's' | 'm' | 'h' | undefined
  /** Default: by the file's name, JSON lines where it ends in `.jsonl`, `.ndjson` or `.json`. */
  format?: 'csv' | 'json-lines' | undefined
}

const fieldError = 'must be the name of a column or field, or the number of a column from 1'
const isField = (value: unknown) => (typeof value === 'number' ? Number.isInteger(value) && value >= 1 : value !== '')

const schema = options({
  field: z.union([z.string(), z.number()], { error: fieldError }).refine(isField, { error: fieldError }).optional(),
  unit: z.enum(['ns', 'us', 'ms', 's', 'm', 'h'], { error: "must be 'ns', 'us', 'ms', 's', 'm' or 'h'" }).default('ms'),
  format: z.enum(['csv', 'json-lines'], { error: "must be 'csv' or 'json-lines'" }).optional(),
})

const DEFAULT_FIELD = 'timeMs'

/** What stands on a line for a request's time. */
interface Entry {
  line: number
  time: unknown
}

/**
 * Reads the times of a recorded trace from a file, for `replay`: CSV with or without a line of column names, or a JSON
 * value a line, each a number or an object. Times count from the start of the run and are not shifted.
 *
 * @returns milliseconds
 * @throws ScenarioError naming the file, and the line where one is at fault
 */
export async function readTrace(file: string | URL, given: ReadTraceOptions = {}): Promise<number[]> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'readTrace', given)
  const { field, unit, format } = asked.data
  const path = file instanceof URL ? pathOf(file) : file
  const text = (await readText(path)).replace(/^\uFEFF/, '')
  const json = format === undefined ? /\.(jsonl|ndjson|json)$/i.test(path) : format === 'json-lines'
  const entries = json ? jsonEntries(path, text, field) : csvEntries(path, text, field)
  const times = timesOf(path, entries, unit)
  if (times.length === 0) throw new ScenarioError(path, 'holds no requests')
  return times
}

function timesOf(path: string, entries: Entry[], unit: NonNullable<ReadTraceOptions['unit']>): number[] {
  const ms = MS_PER[unit] as number
  let last = 0
  return entries.map(({ line, time }) => {
    const number = typeof time === 'string' && time !== '' ? Number(time) : time
    if (typeof number !== 'number' || !(number >= 0)) {
      throw new ScenarioError(`${path}:${line}`, `must hold a time of 0 or more in ${unit}, got ${show(time)}`)
    }
    const at = number * ms
    if (at * NS_PER_MS >= LONGEST_NS) {
      throw new ScenarioError(
        `${path}:${line}`,
        `must hold a time within 104 days (2^53 ns) of the start of the run, got ${show(time)} ${unit}; subtract the first time from all, or see whether the unit is right`,
      )
    }
    if (at < last) {
      throw new ScenarioError(
        `${path}:${line}`,
        `must be no earlier than the line before it, at ${last / ms} ${unit}, got ${show(time)}; sort the file by time`,
      )
    }
    last = at
    return at
  })
}

function csvEntries(path: string, text: string, field: string | number | undefined): Entry[] {
  const { records, openQuote } = parseCsv(text, /\.tsv$/i.test(path) ? '\t' : ',')
  if (openQuote !== null) throw new ScenarioError(`${path}:${openQuote}`, 'has a quote that is never closed')
  const first = records[0]
  if (first === undefined) return []
  const names = first.fields
  const column = columnOf(path, first, field)
  // column names are no numbers; a file without them begins with its first request
  const hasNames = typeof field === 'string' || names.every((name) => !Number.isFinite(Number(name)) || name === '')
  return (hasNames ? records.slice(1) : records).map(({ line, fields }) => ({ line, time: fields[column] }))
}

function columnOf(path: string, { line, fields }: { line: number; fields: string[] }, field?: string | number): number {
  if (field === undefined) return Math.max(0, fields.indexOf(DEFAULT_FIELD))
  const column = typeof field === 'number' ? field - 1 : fields.indexOf(field)
  if (column < 0 || column >= fields.length) {
    throw new ScenarioError(`${path}:${line}`, `has no column ${show(field)}; it has ${fields.map(show).join(', ')}`)
  }
  return column
}

function jsonEntries(path: string, text: string, field: string | number = DEFAULT_FIELD): Entry[] {
  return text.split('\n').flatMap((content, i) => {
    if (content.trim() === '') return []
    const line = i + 1
    let value: unknown
    try {
      value = JSON.parse(content)
    } catch (error) {
      throw new ScenarioError(`${path}:${line}`, `is not JSON: ${show(content.trim())}`, { cause: error })
    }
    if (typeof value !== 'object' || value === null) return [{ line, time: value }]
    if (!Object.hasOwn(value, field)) {
      const fields = Object.keys(value).map(show).join(', ')
      throw new ScenarioError(`${path}:${line}`, `has no field ${show(field)}; it has ${fields}`)
    }
    return [{ line, time: (value as Record<string | number, unknown>)[field] }]
  })
}

function pathOf(file: URL): string {
  if (file.protocol === 'file:') return fileURLToPath(file)
  throw new ScenarioError('readTrace', `must be a path or a file URL, got ${show(file.href)}`)
}

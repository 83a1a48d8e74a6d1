import { makeLegible } from '../text/legible.js'

/** The separators that are detected. */
export const SEPARATORS = [',', ';', '\t', '|'] as const

/** A record of a CSV file, and the line on which it begins, from 1. */
export interface CsvRecord {
  line: number
  fields: string[]
}

/**
 * Parses a CSV file by RFC 4180: a quoted field may hold separators, doubled quotes and line breaks. Empty lines are
 * skipped.
 *
 * @param most the largest number of records to read
 * @returns the records, and the line of a quote that is never closed, or null
 */
export function parseCsv(
  text: string,
  separator = ',',
  most = Number.POSITIVE_INFINITY,
): { records: CsvRecord[]; openQuote: number | null } {
  const records: CsvRecord[] = []
  let line = 1
  let at = 0
  while (at < text.length && records.length < most) {
    const record: CsvRecord = { line, fields: [] }
    for (let more = true; more; ) {
      let field = ''
      if (text[at] === '"') {
        const opened = line
        for (;;) {
          const end = text.indexOf('"', at + 1)
          if (end === -1) return { records, openQuote: opened }
          const part = text.slice(at + 1, end)
          field += part
          line += part.split('\n').length - 1
          at = end + 1
          if (text[at] !== '"') break
          field += '"'
        }
      }
      let end = at
      while (end < text.length && text[end] !== separator && text[end] !== '\n') end++
      field += text.slice(at, end)
      record.fields.push(field.trim())
      more = text[end] === separator
      at = end + 1
    }
    line++
    if (record.fields.some((field) => field !== '')) records.push(record)
  }
  return { records, openQuote: null }
}

type Field = string | number | boolean | null

/** Texts that a spreadsheet takes for a formula, even in quotes (OWASP, CSV Injection). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: spreadsheets skip a leading tab or null
const FORMULA = /^[=+\-@\t\r\n\u0000＝＋－＠]/

/**
 * Formats a CSV file by RFC 4180, but with line ends of `\n`; null becomes an empty field. A text that a spreadsheet would
 * take for a formula gets a leading apostrophe.
 */
export function toCsv(headers: readonly string[], rows: readonly (readonly Field[])[]): string {
  const field = (value: Field) => {
    // the output may go to a terminal
    const text = value === null ? '' : typeof value === 'string' ? makeLegible(escapeFormula(value)) : String(value)
    return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [headers, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('')
}

/** Negative numbers begin like a formula, but are not escaped. */
const escapeFormula = (text: string) => (FORMULA.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text)

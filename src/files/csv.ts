import { legible } from '../text/legible.js'

/** A record of a CSV file, and the number of the line that it begins on, from 1. */
export interface CsvRecord {
  line: number
  fields: string[]
}

/**
 * The records of a CSV file as RFC 4180 has them: a field in quotes may hold separators, quotes twice and line breaks.
 * Lines with nothing on them are skipped.
 *
 * @param most how many records are read
 * @returns what was read, and the line of a quote that is never closed
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

/** What a spreadsheet takes for the beginning of a formula, in quotes too (OWASP, CSV Injection). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a tab or a null before it is skipped there
const FORMULA = /^[=+\-@\t\r\n\u0000＝＋－＠]/

/**
 * A CSV file as RFC 4180 has it, but with lines that end as everywhere; what is null is empty. A text that a spreadsheet
 * would take for a formula begins with an apostrophe, which has it taken for a text.
 */
export function toCsv(headers: readonly string[], rows: readonly (readonly Field[])[]): string {
  const field = (value: Field) => {
    // a terminal may be where it goes to
    const text = value === null ? '' : typeof value === 'string' ? legible(escapeFormula(value)) : String(value)
    return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [headers, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('')
}

/** A number is none, negative or not. */
const escapeFormula = (text: string) => (FORMULA.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text)

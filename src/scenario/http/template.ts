import type { HttpRow } from './requests.js'

/** A text with placeholders: texts at even places, names of columns at odd ones. */
export type Template = readonly string[]

/** `{name}` is a placeholder; anything else in braces is text, such as JSON. */
const PLACEHOLDER = /\{([\p{L}_][\p{L}\p{N}_.-]*)\}/gu

/** Splits a text at its placeholders, such as `/users/{id}`. */
export const parseTemplate = (text: string): Template => text.split(PLACEHOLDER)

/** The columns that a template takes. */
export const columnsOf = (template: Template): string[] => template.filter((_, i) => i % 2 === 1)

/** The columns that a value takes: a text, or JSON data with texts in it. */
export function columnsIn(value: unknown): string[] {
  if (typeof value === 'string') return columnsOf(parseTemplate(value))
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return []
  return Object.values(value).flatMap(columnsIn)
}

/** Fills in a template from a row. */
export function fill(template: Template, row: HttpRow, encode: (value: string) => string = (value) => value): string {
  let text = template[0] as string
  for (let i = 1; i < template.length; i += 2) {
    text += encode(textOf(row[template[i] as string])) + (template[i + 1] as string)
  }
  return text
}

const textOf = (value: unknown) =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '')

/**
 * Compiles JSON data with placeholders in its texts: a function that fills them in. A text that is only a placeholder
 * becomes the value of the row itself, so that numbers stay numbers.
 */
export function compile(value: unknown): (row: HttpRow) => unknown {
  if (columnsIn(value).length === 0) return () => value
  if (typeof value === 'string') {
    const template = parseTemplate(value)
    const whole = template.length === 3 && template[0] === '' && template[2] === ''
    return whole ? (row) => row[template[1] as string] : (row) => fill(template, row)
  }
  if (Array.isArray(value)) {
    const parts = value.map(compile)
    return (row) => parts.map((part) => part(row))
  }
  const parts = Object.entries(value as object).map(([key, part]) => [key, compile(part)] as const)
  return (row) => Object.fromEntries(parts.map(([key, part]) => [key, part(row)]))
}

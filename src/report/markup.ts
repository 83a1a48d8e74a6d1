import { symbolOf } from '../text/legible.js'

/** Text that is already markup, and is not escaped again. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

/** A value to insert into markup: strings and numbers are escaped, lists are concatenated, null, undefined and false are omitted. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[]

/**
 * Builds HTML or SVG from a template: ``markup`<b>${label}</b>` ``. Values are escaped, in elements and in attributes
 * between double quotes.
 */
export function markup(strings: TemplateStringsArray, ...contents: Content[]): Markup {
  return new Markup(strings.map((string, i) => (i === 0 ? '' : insert(contents[i - 1])) + string).join(''))
}

/** Builds attributes, ` data-x="1"`; null and undefined values are omitted. */
export function attributes(values: Record<string, string | number | null | undefined>): Markup {
  const present = Object.entries(values).filter(([, value]) => value !== null && value !== undefined)
  return new Markup(present.map(([name, value]) => ` ${name}="${escapeText(String(value))}"`).join(''))
}

function insert(content: Content): string {
  if (content === null || content === undefined || content === false) return ''
  if (content instanceof Markup) return content.text
  if (typeof content === 'object') return content.map(insert).join('')
  return escapeText(String(content))
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the ones to replace
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g
/** Characters that XML forbids, and those that reverse the direction of text. */
const FORBIDDEN = /[\u0080-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu

function escapeText(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replace(CONTROLS, symbolOf)
    .replace(FORBIDDEN, '\ufffd')
}

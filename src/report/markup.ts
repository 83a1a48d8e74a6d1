import { symbolOf } from '../text/legible.js'

/** Text that may stand in a document as it is. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

/** What may be put into markup: texts and numbers are escaped, lists put one after the other, nothing left out. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[]

/**
 * HTML or SVG: ``markup`<b>${label}</b>` `` with whatever the label holds shown as the text that it is, in an element or
 * in an attribute between double quotes.
 */
export function markup(strings: TemplateStringsArray, ...contents: Content[]): Markup {
  return new Markup(strings.map((string, i) => (i === 0 ? '' : inserted(contents[i - 1])) + string).join(''))
}

/** ` data-x="1"` and so on, without those that are null or undefined. */
export function attributes(values: Record<string, string | number | null | undefined>): Markup {
  const there = Object.entries(values).filter(([, value]) => value !== null && value !== undefined)
  return new Markup(there.map(([name, value]) => ` ${name}="${escaped(String(value))}"`).join(''))
}

function inserted(content: Content): string {
  if (content === null || content === undefined || content === false) return ''
  if (content instanceof Markup) return content.text
  if (typeof content === 'object') return content.map(inserted).join('')
  return escaped(String(content))
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no document may hold
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g
/** What no XML may hold, and what turns the text that follows around. */
const UNFIT = /[\u0080-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu

function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replace(CONTROLS, symbolOf)
    .replace(UNFIT, '\ufffd')
}

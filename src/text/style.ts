/** Colours a text, or leaves it as it is. */
export type Style = (format: Format, text: string) => string
export type Format = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan' | 'blue' | 'magenta'

export const plain: Style = (_format, text) => text

/** How a report is written. */
export interface RenderOptions {
  /** columns of text, at most; default 80 */
  width?: number
  /** default: no colour */
  style?: Style
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colour is made of
const COLOUR = /\u001b\[\d*m/g

/** How many columns a text takes, its colours apart. */
export function visible(text: string): number {
  return text.replace(COLOUR, '').length
}

/** Fills a text up to so many columns, its colours apart. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - visible(text)))
}

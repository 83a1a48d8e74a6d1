/** Formats a text for a terminal, or returns it unchanged. */
export type Style = (format: Format, text: string) => string
export type Format = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan' | 'blue' | 'magenta'

/**
 * Leaves text unformatted: the default style of a report.
 *
 * @example
 * console.log(plain('bold', 'p99')) // p99
 */
export const plain: Style = (_format, text) => text

/** Reports are not rendered for a narrower terminal than this, in columns. */
export const NARROWEST = 60

/** Options of a text report. */
export interface RenderOptions {
  /**
   * The maximum width, in columns.
   *
   * @default 80
   */
  width?: number
  /**
   * How to format text.
   *
   * @default no colour
   */
  style?: Style
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const COLOUR = /\u001b\[\d*m/g

/** The width of a text in columns, without its colour codes. */
export function visible(text: string): number {
  return text.replace(COLOUR, '').length
}

/** Pads a text to a width in columns, not counting its colour codes. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - visible(text)))
}

import { styleText } from 'node:util'

/** Colours a text, or leaves it as it is. */
export type Style = (format: Format, text: string) => string
export type Format = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan' | 'blue' | 'magenta'

export const plain: Style = (_format, text) => text

/** Colour where the stream is a terminal that wants it: `NO_COLOR` and `FORCE_COLOR` are respected. */
export function styleFor(stream: NodeJS.WritableStream): Style {
  return (format, text) => styleText(format, text, { stream })
}

/** How a report is written. */
export interface Look {
  /** columns of text, at most; default 80 */
  width?: number
  /** default: no colour */
  style?: Style
}

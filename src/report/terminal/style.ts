import { styleText } from 'node:util'
import type { Style } from '../../text/style.js'

/** Colour where the stream is a terminal that wants it: `NO_COLOR` and `FORCE_COLOR` are respected. */
export function styleFor(stream: NodeJS.WritableStream): Style {
  return (format, text) => styleText(format, text, { stream })
}

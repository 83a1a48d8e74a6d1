import { styleText } from 'node:util'
import type { Style } from '../../text/style.js'

/**
 * Selects the style for a stream: colours if it is a terminal that supports them. Respects `NO_COLOR` and `FORCE_COLOR`.
 *
 * @example
 * console.log(styleFor(process.stdout)('bold', 'p99'))
 */
export function styleFor(stream: NodeJS.WritableStream): Style {
  return (format, text) => styleText(format, text, { stream })
}

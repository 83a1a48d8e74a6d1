import { bar } from '../text/bar.js'
import type { Style } from '../text/style.js'
import { styleFor } from './style.js'

/** Where progress is shown. */
export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean
  columns?: number
}

/** How far a run is, told on a stream: one line that is rewritten on a terminal, else a line now and then. */
export interface Progress {
  /** @param share how much of it is done, from 0 to 1 */
  update(share: number, text: string): void
  /** Takes the line away. */
  end(): void
}

const BAR = 20
/** What is over sooner than this needs no progress. */
const QUIET_MS = 400
const REWRITE_MS = 80
const PLAIN_MS = 5000

/** @param now a clock in milliseconds */
export function progressOn(stream: ProgressStream, now: () => number = () => performance.now()): Progress {
  return stream.isTTY === true ? rewritten(stream, styleFor(stream), now) : plainLines(stream, now)
}

function rewritten(stream: ProgressStream, style: Style, now: () => number): Progress {
  let next = now() + QUIET_MS
  let shown = false
  return {
    update(share, text) {
      if (now() < next) return
      next = now() + REWRITE_MS
      const drawn = style('green', bar(BAR * share)) + style('dim', '·'.repeat(Math.floor(BAR * (1 - share))))
      const room = Math.max(0, (stream.columns ?? 80) - BAR - 10)
      stream.write(`\r\u001b[K ${drawn} ${Math.round(100 * share)} % ${text.slice(0, room)}`)
      shown = true
    },
    end() {
      if (shown) stream.write('\r\u001b[K')
      shown = false
    },
  }
}

function plainLines(stream: ProgressStream, now: () => number): Progress {
  let next = now() + PLAIN_MS
  return {
    update(share, text) {
      if (now() < next) return
      next = now() + PLAIN_MS
      stream.write(`${Math.round(100 * share)} % ${text}\n`)
    },
    end() {},
  }
}

import { bar } from '../../text/bar.js'
import type { Style } from '../../text/style.js'
import { styleFor } from './style.js'

/** Where progress is shown. */
export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean
  columns?: number
}

/** How far a run is, told on a stream: one line that is rewritten on a terminal, else a line now and then. */
export interface Progress {
  /** @param fraction how much of it is done, from 0 to 1 */
  update(fraction: number, text: string): void
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

/** A fraction as small as this says nothing of how long the rest takes. */
const LEAST_SHARE = 0.02

/** How long it takes from here, were it to go on as it went. */
function left(fraction: number, elapsedMs: number): string {
  if (fraction < LEAST_SHARE || fraction >= 1) return ''
  const seconds = (elapsedMs * (1 - fraction)) / fraction / 1000
  if (seconds < 100) return `, ${Math.ceil(seconds)} s left`
  return `, ${Math.ceil(seconds / 60)} min left`
}

function rewritten(stream: ProgressStream, style: Style, now: () => number): Progress {
  const started = now()
  let next = started + QUIET_MS
  let shown = false
  return {
    update(fraction, text) {
      if (now() < next) return
      next = now() + REWRITE_MS
      const drawn = style('green', bar(BAR * fraction)) + style('dim', '·'.repeat(Math.floor(BAR * (1 - fraction))))
      const said = `${text}${left(fraction, now() - started)}`
      const room = Math.max(0, (stream.columns ?? 80) - BAR - 10)
      stream.write(`\r\u001b[K ${drawn} ${Math.round(100 * fraction)} % ${said.slice(0, room)}`)
      shown = true
    },
    end() {
      if (shown) stream.write('\r\u001b[K')
      shown = false
    },
  }
}

function plainLines(stream: ProgressStream, now: () => number): Progress {
  const started = now()
  let next = started + PLAIN_MS
  return {
    update(fraction, text) {
      if (now() < next) return
      next = now() + PLAIN_MS
      stream.write(`${Math.round(100 * fraction)} % ${text}${left(fraction, now() - started)}\n`)
    },
    end() {},
  }
}

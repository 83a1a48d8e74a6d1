import { drawBar } from '../../text/bar.js'
import type { Style } from '../../text/style.js'
import { styleFor } from './style.js'

/** The stream that progress is written to. */
export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean
  columns?: number
}

/** Shows the progress of a run: on a terminal as one line that is rewritten, elsewhere as a line every 5 s. */
export interface Progress {
  /**
   * Shows how far the run is.
   *
   * @param fraction the part that is done, from 0 to 1
   */
  update(fraction: number, text: string): void
  /** Clears the line. */
  end(): void
}

const BAR = 20
/** Shorter runs show no progress. */
const QUIET_MS = 400
const REWRITE_MS = 80
const PLAIN_MS = 5000

/**
 * Creates a progress display.
 *
 * @param now a clock in milliseconds
 * @example
 * const progress = progressOn(process.stderr)
 * progress.update(0.5, 'round 3 of 6')
 * progress.end()
 */
export function progressOn(stream: ProgressStream, now: () => number = () => performance.now()): Progress {
  return stream.isTTY === true ? progressOnTerminal(stream, styleFor(stream), now) : plainLines(stream, now)
}

/** Below this fraction, the time left cannot be estimated. */
const SMALLEST_FRACTION = 0.02

/** Estimates the time left from the time taken so far. */
function formatTimeLeft(fraction: number, elapsedMs: number): string {
  if (fraction < SMALLEST_FRACTION || fraction >= 1) return ''
  const seconds = (elapsedMs * (1 - fraction)) / fraction / 1000
  if (seconds < 100) return `, ${Math.ceil(seconds)} s left`
  return `, ${Math.ceil(seconds / 60)} min left`
}

function progressOnTerminal(stream: ProgressStream, style: Style, now: () => number): Progress {
  const started = now()
  let next = started + QUIET_MS
  let shown = false
  return {
    update(fraction, text) {
      if (now() < next) return
      next = now() + REWRITE_MS
      const drawn = style('green', drawBar(BAR * fraction)) + style('dim', '·'.repeat(Math.floor(BAR * (1 - fraction))))
      const line = `${text}${formatTimeLeft(fraction, now() - started)}`
      const room = Math.max(0, (stream.columns ?? 80) - BAR - 10)
      stream.write(`\r\u001b[K ${drawn} ${Math.round(100 * fraction)} % ${line.slice(0, room)}`)
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
      stream.write(`${Math.round(100 * fraction)} % ${text}${formatTimeLeft(fraction, now() - started)}\n`)
    },
    end() {},
  }
}

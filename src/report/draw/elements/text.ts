import { threeDigits } from '../../../text/number.js'
import type { Bounded } from './mark.js'

/** Formats a figure with its bounds, as far as they are known: `4.61 ms (4.5 ms to 4.72 ms, 95 % interval)`. */
export function formatBounded(
  { value, low, high, reason }: Bounded,
  format: (value: number) => string,
  boundsName: string,
): string {
  if (low === null && high === null) return `${format(value)}${reason === undefined ? '' : ` (no interval: ${reason})`}`
  const between =
    low === null
      ? `${format(high as number)} or less`
      : high === null
        ? `${format(low)} or more`
        : `${format(low)} to ${format(high)}`
  return `${format(value)} (${between}, ${boundsName})`
}

/** Formats requests a second with three digits: `4.00/s`, `12,400/s`. */
export const perSecond = (value: number) => `${threeDigits(value)}/s`

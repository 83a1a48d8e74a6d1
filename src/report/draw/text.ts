import { threeDigits, time } from '../../text/number.js'
import type { Bounded } from './mark.js'

/** A figure with the ends that are known of it: `4.61 ms (4.5 ms to 4.72 ms, 95 % interval)`. */
export function boundedText(
  { value, low, high, reason }: Bounded,
  text: (value: number) => string,
  ends: string,
): string {
  if (low === null && high === null) return `${text(value)}${reason === undefined ? '' : ` (no interval: ${reason})`}`
  const between =
    low === null
      ? `${text(high as number)} or less`
      : high === null
        ? `${text(low)} or more`
        : `${text(low)} to ${text(high)}`
  return `${text(value)} (${between}, ${ends})`
}

export const perSecond = (value: number) => `${threeDigits(value)}/s`
export const timeText = (ms: number) => (ms === 0 ? '0 ms' : time(ms))

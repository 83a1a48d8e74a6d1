import { isFraction, UNITS } from '../budget/comparison/comparison.js'
import type { HistoryChange, HistorySeries } from '../history/series.js'
import { inText, percent, threeDigits, time } from '../text/number.js'

/** Formats a value of a series with its unit. */
export function historyValue(value: number, { metric }: HistorySeries): string {
  const unit = UNITS[metric]
  if (unit === 'fraction') return percent(value)
  if (unit === '/s') return `${inText(value)}/s`
  return value === 0 ? '0 ms' : time(value)
}

/** Formats a change: `1.21 times (1.00 ms to 1.21 ms)`. */
export function changeText({ before, after }: HistoryChange, series: HistorySeries): string {
  const ends = `${historyValue(before, series)} to ${historyValue(after, series)}`
  return before > 0 && !isFraction(series.metric) ? `${threeDigits(after / before)} times (${ends})` : ends
}

export const shortCommit = (commit: string | null) => commit?.slice(0, 10) ?? '–'

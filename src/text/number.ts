/** Formats a number with three significant digits and thousands separators: `12,400`, `4.61`, `0.0853`, `0`. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return '0'
  const rounded = Number(value.toPrecision(3))
  // toPrecision would write 1.24e+4
  if (Math.abs(rounded) >= 100) return rounded.toLocaleString('en', { maximumFractionDigits: 0 })
  return value.toPrecision(3)
}

/** Formats a count, with all its digits: `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 0 })
}

/** Formats a number for a sentence: like `threeDigits`, but `10` and not `10.0`. */
export const inText = (value: number) =>
  Number.isInteger(value) && Math.abs(value) < 100 ? String(value) : threeDigits(value)

/** Formats a rate: `12,400/s`. */
export function rate(perSecond: number): string {
  return `${inText(perSecond)}/s`
}

/** Formats a fraction as a percentage: `57.3 %`. */
export function percent(fraction: number): string {
  return `${inText(100 * fraction)} %`
}

/** Formats the relative difference of `value` from `from` in whole percent: `+4%`, `−12%`, `0%`. */
export function difference(value: number, from: number): string {
  const percent = Math.round((100 * (value - from)) / from)
  if (!Number.isFinite(percent)) return ''
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : ''
  return `${sign}${count(Math.abs(percent))}%`
}

/** A unit of time, shared by all values of a column or an axis. */
export interface TimeUnit {
  name: 'ns' | 'us' | 'ms' | 's'
  ms: number
}

const UNITS: TimeUnit[] = [
  { name: 's', ms: 1000 },
  { name: 'ms', ms: 1 },
  { name: 'us', ms: 1e-3 },
  { name: 'ns', ms: 1e-6 },
]
const MS = UNITS[1] as TimeUnit
const NS = UNITS[3] as TimeUnit

/** Chooses the largest unit in which the longest time is at least 1, or at least 10 for seconds. */
export function timeUnit(timesMs: Iterable<number>): TimeUnit {
  let longest = 0
  for (const ms of timesMs) longest = Math.max(longest, ms)
  if (longest === 0) return MS
  return UNITS.find((unit) => longest >= (unit.name === 's' ? 10 : 1) * unit.ms) ?? NS
}

/** Formats a time with its unit: `4.61 ms`, `850 us`, `12 s`. */
export function time(ms: number): string {
  const unit = timeUnit([ms])
  return `${inText(ms / unit.ms)} ${unit.name}`
}

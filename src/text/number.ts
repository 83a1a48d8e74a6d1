/** A number as people read it: three significant digits, thousands apart. `12,400`, `4.61`, `0.0853`, `0`. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return '0'
  const rounded = Number(value.toPrecision(3))
  // what a whole number ends in is not a significant digit: 12,400 and 4.00
  if (Math.abs(rounded) >= 100) return rounded.toLocaleString('en', { maximumFractionDigits: 0 })
  return value.toPrecision(3)
}

/** A count, exact. */
export function count(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 0 })
}

/** A number in a text: as in a table, but a whole one as it is, `10` and not `10.0`. */
export const inText = (value: number) =>
  Number.isInteger(value) && Math.abs(value) < 100 ? String(value) : threeDigits(value)

/** A rate with its unit: `12,400/s`. */
export function rate(perSecond: number): string {
  return `${inText(perSecond)}/s`
}

/** A fraction of 1 as a percentage: `57.3 %`. */
export function percent(fraction: number): string {
  return `${inText(100 * fraction)} %`
}

/** How far `value` is from `from`, in whole percent with its sign: `+4%`, `−12%`, `0%`. */
export function difference(value: number, from: number): string {
  const percent = Math.round((100 * (value - from)) / from)
  if (!Number.isFinite(percent)) return ''
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : ''
  return `${sign}${count(Math.abs(percent))}%`
}

/** A unit of time, to be named once for all the figures of a column or an axis. */
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

/** The unit in which the longest of these times is at least 1; seconds only from ten of them on. */
export function timeUnit(timesMs: Iterable<number>): TimeUnit {
  let longest = 0
  for (const ms of timesMs) longest = Math.max(longest, ms)
  if (longest === 0) return MS
  return UNITS.find((unit) => longest >= (unit.name === 's' ? 10 : 1) * unit.ms) ?? NS
}

/** A time with its unit: `4.61 ms`, `850 us`, `12 s`. */
export function time(ms: number): string {
  const unit = timeUnit([ms])
  return `${inText(ms / unit.ms)} ${unit.name}`
}

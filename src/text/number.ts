/**
 * Formats a number with three significant digits and thousands separators: `12,400`, `4.61`, `0.0853`, `0`.
 *
 * @example
 * console.log(threeDigits(12_437), threeDigits(4.6123)) // 12,400 4.61
 */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return '0'
  const rounded = Number(value.toPrecision(3))
  // toPrecision would write 1.24e+4
  if (Math.abs(rounded) >= 100) return count(rounded)
  return value.toPrecision(3)
}

/**
 * Formats a count exactly: `1,234,567`.
 *
 * @example
 * console.log(count(1_234_567)) // 1,234,567
 */
export function count(value: number): string {
  // toLocaleString takes 20 us, and at the first call 20 ms
  if (Number.isSafeInteger(value)) return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
  return value.toLocaleString('en', { maximumFractionDigits: 0 })
}

/** Formats a number of things: `1 server`, `1,200 servers`. */
export const plural = (value: number, thing: string) => `${count(value)} ${thing}${value === 1 ? '' : 's'}`

/** Formats a number within a sentence: as `threeDigits`, but small whole numbers without decimals, `10` and not `10.0`. */
export const inText = (value: number) =>
  Number.isInteger(value) && Math.abs(value) < 100 ? String(value) : threeDigits(value)

/**
 * Formats a rate with its unit: `12,400/s`.
 *
 * @param perSecond requests a second
 * @example
 * console.log(rate(12_437), rate(10)) // 12,400/s 10/s
 */
export function rate(perSecond: number): string {
  return `${inText(perSecond)}/s`
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Formats a number of bytes with its unit: `850 B`, `12.4 MB`; 1 kB is 1,000 B. */
export function bytes(value: number): string {
  const rounded = Number(value.toPrecision(3))
  const unit = Math.max(
    0,
    BYTE_UNITS.findLastIndex((_, i) => rounded >= 1000 ** i),
  )
  return `${inText(rounded / 1000 ** unit)} ${BYTE_UNITS[unit]}`
}

/**
 * Formats a fraction of 1 as a percentage: `57.3 %`.
 *
 * @example
 * console.log(percent(0.573), percent(0.1)) // 57.3 % 10 %
 */
export function percent(fraction: number): string {
  return `${inText(100 * fraction)} %`
}

/** Formats a fraction of 1 as a percentage with one decimal, for columns: `57.3 %`. */
export const percentToTenth = (fraction: number) => `${(100 * fraction).toFixed(1)} %`

/** Formats a fraction of 1 as a percentage with two significant digits: `57 %`, `0.85 %`. */
export const roughPercent = (fraction: number) => `${Number((100 * fraction).toPrecision(2))} %`

/**
 * Formats a fraction of 1 as the number of a percentage with two significant digits. Only 0 and 1 are shown as `0` and
 * `100`: fractions near 1 keep two digits of their distance from it, `99.943`.
 */
export function percentage(fraction: number): string {
  const percent = 100 * fraction
  if (percent === 0 || percent === 100) return String(percent)
  if (percent > 99) return String(Math.min(99.999, 100 - Number((100 - percent).toPrecision(2))))
  return percent.toLocaleString('en', { maximumSignificantDigits: 2 })
}

/** Formats a fraction of 1 as the number of a percentage: three digits, and near 1 two of the distance from it: `99.943`. */
export const closePercentage = (fraction: number) => (fraction > 0.99 ? percentage(fraction) : inText(100 * fraction))

/** Formats the relative difference of `value` from `from` in whole percent with a sign: `+4%`, `−12%`, `0%`. */
export function difference(value: number, from: number): string {
  const percent = Math.round((100 * (value - from)) / from)
  if (!Number.isFinite(percent)) return ''
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : ''
  return `${sign}${count(Math.abs(percent))}%`
}

/** Formats milliseconds with at most three significant digits: `4.61 ms`, `12400 ms`. */
export const milliseconds = (ms: number) => `${Number(ms.toPrecision(3))} ms`

/** A unit of time, named once for all figures of a column or an axis. */
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

/** Selects the unit in which the longest of these times is at least 1; seconds only from 10 s on. */
export function timeUnit(timesMs: Iterable<number>): TimeUnit {
  let longest = 0
  for (const ms of timesMs) longest = Math.max(longest, ms)
  if (longest === 0) return MS
  return UNITS.find((unit) => longest >= (unit.name === 's' ? 10 : 1) * unit.ms) ?? NS
}

/**
 * Formats a time with its unit: `4.61 ms`, `850 us`, `12 s`.
 *
 * @param ms milliseconds
 * @example
 * console.log(time(4.6123), time(0.85), time(12_000)) // 4.61 ms 850 us 12 s
 */
export function time(ms: number): string {
  const unit = timeUnit([ms])
  return `${inText(ms / unit.ms)} ${unit.name}`
}

/** Formats a time of up to hours in seconds: `0.35 s`, `12.4 s`, `120 s`. */
export const seconds = (ms: number) => `${threeDigits(ms / 1000)} s`

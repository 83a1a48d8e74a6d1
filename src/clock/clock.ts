import { performance as nodes } from 'node:perf_hooks'
import { real } from './real.js'

const realNow = nodes.now
const RealDate = globalThis.Date

/** the current source of time, with its function, timers and Date, to detect when one is replaced */
let host: { now(): number } = nodes
let read: (() => number) | undefined
let timers: unknown
let dates: unknown
/** whether the source is `Date`: for fake timers that do not fake `performance` */
let readsDates = false
/** Counts how often clocks or timers were replaced, as of the last reading: by fakes, by real ones, or by other fakes. */
export let epoch = 0
/** the last reading of the source, and the offset from it to the time shown */
const state = new Float64Array(2)
const RAW = 0
const AHEAD = 1

/**
 * Reads the clock that a test's fake timers can drive, in milliseconds: the current `performance.now()`. The clock is
 * monotonic: if its source is replaced, because a test fakes `performance` or restores it, it continues from the last
 * time shown. For fake timers that fake `Date` but not `performance`, such as those of `node:test`, it reads `Date`.
 */
export function now(): number {
  // the global `performance` is a getter, at a quarter of the cost of reading the clock; look it up again only if timers
  // or Date were replaced too, because fake timers never fake `performance` alone
  if (setTimeout === timers && Date === dates && host.now === read) {
    const raw = readsDates ? Date.now() : host.now()
    if (raw >= (state[RAW] as number) && raw < Infinity) {
      state[RAW] = raw
      return raw + (state[AHEAD] as number)
    }
  }
  return resync()
}

/** Advances the clock to at least this time, because a timer set for it has fired. */
export function advanceTo(ms: number): void {
  const ahead = ms - now()
  if (ahead > 0) state[AHEAD] = (state[AHEAD] as number) + ahead
}

/** Whether time is faked. Timers that are only wrapped, as tracing agents do, do not count. */
export function isFaked(): boolean {
  now()
  return readsDates || read !== realNow || 'clock' in globalThis.setTimeout
}

/** Handles a source that was replaced or went back: continues from the last time shown. */
function resync(): number {
  const datesNow = performance.now === realNow && setTimeout !== real.setTimeout && isFake(Date)
  const isSame = performance === host && performance.now === read && datesNow === readsDates
  const isFirst = timers === undefined
  if (!isSame || setTimeout !== timers || Date !== dates) epoch++
  host = performance
  read = performance.now
  timers = setTimeout
  dates = Date
  readsDates = datesNow
  const shown = (state[RAW] as number) + (state[AHEAD] as number)
  const raw = readsDates ? Date.now() : performance.now()
  if (!Number.isFinite(raw)) return shown
  if (isFirst) state[AHEAD] = 0
  else if (!isSame || raw < (state[RAW] as number)) state[AHEAD] = shown - raw
  state[RAW] = raw
  return raw + (state[AHEAD] as number)
}

/** Whether `Date` is faked. Fakes of sinon (vitest, Jest) and `node:test` have a marker, in case they were installed before this module loaded. */
const isFake = (date: DateConstructor) => date !== RealDate || 'clock' in date || 'isFake' in date || 'isMock' in date

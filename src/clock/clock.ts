import { performance as nodes } from 'node:perf_hooks'
import { real } from './real.js'

const realNow = nodes.now
const RealDate = globalThis.Date

/** what the clock reads at present, and how */
let host: { now(): number } = nodes
let read: (() => number) | undefined
let timers: unknown
let dates: unknown
/** what it reads: `host`, or the dates of fake timers that leave `performance` alone */
let readsDates = false
/** Counts how often clocks or timers were exchanged, as of the last reading: fakes in place of real ones, or others. */
export let epoch = 0
/** the last reading, and how much later the clock shows */
const state = new Float64Array(2)
const RAW = 0
const AHEAD = 1

/**
 * The clock of everything that fake timers of a test are to drive, in milliseconds: `performance.now()`, looked up
 * when it is read. It never goes back, and goes on from where it was when its source is exchanged: when a test fakes
 * `performance`, or stops to. Fake timers that leave `performance` alone and fake `Date` (those of `node:test`) are
 * followed by their dates.
 */
export function now(): number {
  // the global `performance` is a getter, which takes a quarter of what reading the clock does: it is looked up again
  // once timers are others too, for alone it need not be followed
  if (setTimeout === timers && Date === dates && host.now === read) {
    const raw = readsDates ? Date.now() : host.now()
    if (raw >= (state[RAW] as number) && raw < Infinity) {
      state[RAW] = raw
      return raw + (state[AHEAD] as number)
    }
  }
  return goOn()
}

/** The clock shows at least this time from now on: a timer has rung that was set for it. */
export function advanceTo(ms: number): void {
  const ahead = ms - now()
  if (ahead > 0) state[AHEAD] = (state[AHEAD] as number) + ahead
}

/** Whether time is known to be faked, rather than timers to be wrapped (as agents that trace a service do). */
export function isFaked(): boolean {
  now()
  return readsDates || read !== realNow || 'clock' in globalThis.setTimeout
}

/** The source may be another one, or went back: goes on from the last time shown. */
function goOn(): number {
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

/** Those of sinon (vitest, Jest) and of `node:test` say so, which counts if they were in place before this was loaded. */
const isFake = (date: DateConstructor) => date !== RealDate || 'clock' in date || 'isFake' in date || 'isMock' in date

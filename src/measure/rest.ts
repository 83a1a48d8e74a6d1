import type { Clock } from './clock.js'
import type { SpeedLog } from './speed.js'

/** Ways for a thread to let time pass. */
export interface Rest {
  /** Sleeps for about this long; it may well last longer, by some tenth of a millisecond. */
  sleep(ns: number): void
  /** Passes some of this time from `nowNs` on, and never sleeps. */
  spin(ns: number, nowNs: number): void
}

/** Rest that tells how fast it spins. */
export interface TimedRest extends Rest {
  tellTo(log: SpeedLog): void
}

/** A sleep is cut into pieces of this length: the run may be over meanwhile. */
export const SLEEP_NS = 100_000_000
/** Below this, reading the clock is what passes the time. */
const SHORTEST_NS = 1_000
/** A thread that is put off while it turns goes on turning afterwards: for no longer than this. */
const LONGEST_NS = 20_000
/** The clock is read to some 0.1 us: of shorter spins it makes too much. */
const TIMED_NS = 4_000
/** The newest spin, for as long as nothing is done but spin: how many turns, from when, and for what. */
const TURNS = 0
const FROM = 1
const DUE = 2
const CALIBRATION = { turns: 200_000, times: 8 }

/**
 * Rest on a thread of its own. Spinning turns in a loop for half of the time that is left, between one reading of
 * the clock and the next: every reading makes garbage, and to collect it would take the thread from what is due.
 *
 * @param word ends any rest when it is no longer 0
 */
export function restOn(clock: Clock, word: Int32Array = new Int32Array(new SharedArrayBuffer(4))): TimedRest {
  const turn = (turns: number) => {
    let i = 0
    while (i < turns && Atomics.load(word, 0) === 0) i++
    return i
  }
  let turnsPerNs = 0
  for (let i = 0; i < CALIBRATION.times; i++) {
    const start = clock()
    turn(CALIBRATION.turns)
    turnsPerNs = Math.max(turnsPerNs, CALIBRATION.turns / (clock() - start))
  }
  let log: SpeedLog | null = null
  const newest = new Float64Array(3)
  return {
    sleep(ns) {
      newest[TURNS] = 0
      Atomics.wait(word, 0, 0, ns / 1e6)
    },
    spin(ns, nowNs) {
      const dueNs = nowNs + ns
      const before = newest[TURNS] as number
      if (log !== null && before > 0 && newest[DUE] === dueNs) {
        const fromNs = newest[FROM] as number
        log.record(fromNs, before, nowNs - fromNs)
      }
      const spinNs = Math.min(ns / 2, LONGEST_NS)
      const turns = ns > SHORTEST_NS ? Math.ceil(spinNs * turnsPerNs) : 0
      newest[TURNS] = spinNs < TIMED_NS ? 0 : turns
      newest[FROM] = nowNs
      newest[DUE] = dueNs
      // one that was cut short tells nothing of the speed
      if (turn(turns) < turns) newest[TURNS] = 0
    },
    tellTo(to) {
      log = to
      log.fastest = turnsPerNs
    },
  }
}

import type { Clock } from './clock.js'

/** Ways for a thread to let time pass. */
export interface Rest {
  /** Sleeps for about this long; it may well last longer, by some tenth of a millisecond. */
  sleep(ns: number): void
  /** Passes some of this time, and never sleeps. */
  spin(ns: number): void
}

/** Below this, reading the clock is what passes the time. */
const SHORTEST_NS = 1_000
/** A thread that is put off while it turns goes on turning afterwards: for no longer than this. */
const LONGEST_NS = 20_000
const CALIBRATION = { turns: 200_000, times: 8 }

/**
 * Rest on a thread of its own. Spinning turns in a loop for half of the time that is left, between one reading of
 * the clock and the next: every reading makes garbage, and to collect it would take the thread from what is due.
 */
export function restOn(clock: Clock): Rest {
  const word = new Int32Array(new SharedArrayBuffer(4))
  const turn = (turns: number) => {
    for (let i = 0; i < turns; i++) Atomics.load(word, 0)
  }
  let turnsPerNs = 0
  for (let i = 0; i < CALIBRATION.times; i++) {
    const start = clock()
    turn(CALIBRATION.turns)
    turnsPerNs = Math.max(turnsPerNs, CALIBRATION.turns / (clock() - start))
  }
  return {
    sleep(ns) {
      Atomics.wait(word, 0, 0, ns / 1e6)
    },
    spin(ns) {
      if (ns > SHORTEST_NS) turn(Math.min(ns / 2, LONGEST_NS) * turnsPerNs)
    },
  }
}

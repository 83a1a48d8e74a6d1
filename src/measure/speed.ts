import type { Speed } from '../result/host.js'
import { NS_PER_MS } from '../scenario/units.js'

/** Into how many stretches the window is cut. */
const STRETCHES = 40
/** A stretch with fewer spins tells nothing. */
const FEWEST = 10
/** A spin this much slower than the fastest was interrupted. */
const INTERRUPTED = 1 / 3

const START = 0
const WIDTH = 1
const FASTEST = 2
const VALUES = 3
const TURNS = 0
const NS = 1
const SPINS = 2
const LENGTH = 3

/**
 * How fast the generator spun, over time. It turns in a loop while it waits, between two readings of the clock: a
 * probe of the machine's speed that costs nothing.
 */
export class SpeedLog {
  readonly buffer: SharedArrayBuffer
  readonly #values: Float64Array

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#values = new Float64Array(buffer)
  }

  static of(startNs: number, endNs: number): SpeedLog {
    const log = new SpeedLog(new SharedArrayBuffer(8 * (VALUES + LENGTH * STRETCHES)))
    log.#values[START] = startNs
    log.#values[WIDTH] = (endNs - startNs) / STRETCHES
    return log
  }

  /** How many turns in a nanosecond it makes at best. */
  set fastest(turnsPerNs: number) {
    this.#values[FASTEST] = turnsPerNs
  }

  /** It turned so often from `atNs` on, which took so long. */
  record(atNs: number, turns: number, ns: number): void {
    const values = this.#values
    const stretch = Math.floor((atNs - (values[START] as number)) / (values[WIDTH] as number))
    if (!(stretch >= 0 && stretch < STRETCHES) || turns < INTERRUPTED * (values[FASTEST] as number) * ns) return
    const at = VALUES + LENGTH * stretch
    values[at + TURNS] = (values[at + TURNS] as number) + turns
    values[at + NS] = (values[at + NS] as number) + ns
    values[at + SPINS] = (values[at + SPINS] as number) + 1
  }

  /** @returns why it cannot be told, where the generator spun in less than half of the time */
  read(): Speed | string {
    const values = this.#values
    const rates: { atMs: number; rate: number }[] = []
    for (let stretch = 0; stretch < STRETCHES; stretch++) {
      const at = VALUES + LENGTH * stretch
      if ((values[at + SPINS] as number) < FEWEST) continue
      const middleNs = (values[START] as number) + (stretch + 0.5) * (values[WIDTH] as number)
      rates.push({ atMs: middleNs / NS_PER_MS, rate: (values[at + TURNS] as number) / (values[at + NS] as number) })
    }
    if (rates.length < STRETCHES / 2) {
      return 'the generator hardly spun: requests came too fast, or spin is too short'
    }
    const mean = meanOf(rates.map(({ rate }) => rate))
    const timeline = rates.map(({ atMs, rate }) => ({ atMs, speed: rate / mean }))
    const sorted = timeline.map(({ speed }) => speed).sort((a, b) => a - b)
    const tenth = Math.ceil(sorted.length / 10)
    return { slowest: meanOf(sorted.slice(0, tenth)), fastest: meanOf(sorted.slice(-tenth)), timeline }
  }
}

const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

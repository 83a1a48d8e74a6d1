import type { Speed } from '../result/host.js'
import { NS_PER_MS } from '../scenario/units.js'

/** Into how many stretches the window is cut, where it is known beforehand. */
const STRETCHES = 40
/** Else how long a stretch is at first: there are never more of them, and their length doubles. */
const FIRST_NS = NS_PER_MS
/** A stretch with fewer spins tells nothing. */
const FEWEST = 10
/** A spin this much slower than the fastest was interrupted. */
const INTERRUPTED = 1 / 3

const START = 0
const WIDTH = 1
const FASTEST = 2
const GROWS = 3
const VALUES = 4
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

  /** @param endNs Infinity, as `startNs`, where the run has to tell */
  static of(startNs: number, endNs: number): SpeedLog {
    const log = new SpeedLog(new SharedArrayBuffer(8 * (VALUES + LENGTH * STRETCHES)))
    const values = log.#values
    const grows = endNs === Number.POSITIVE_INFINITY
    values[START] = startNs === Number.POSITIVE_INFINITY ? 0 : startNs
    values[WIDTH] = grows ? FIRST_NS : (endNs - (values[START] as number)) / STRETCHES
    values[GROWS] = grows ? 1 : 0
    return log
  }

  /** How many turns in a nanosecond it makes at best. */
  set fastest(turnsPerNs: number) {
    this.#values[FASTEST] = turnsPerNs
  }

  /** It turned so often from `atNs` on, which took so long. */
  record(atNs: number, turns: number, ns: number): void {
    const values = this.#values
    let stretch = Math.floor((atNs - (values[START] as number)) / (values[WIDTH] as number))
    while (stretch >= STRETCHES && values[GROWS] === 1) {
      this.#grow()
      stretch = Math.floor(stretch / 2)
    }
    if (!(stretch >= 0 && stretch < STRETCHES) || turns < INTERRUPTED * (values[FASTEST] as number) * ns) return
    const at = VALUES + LENGTH * stretch
    values[at + TURNS] = (values[at + TURNS] as number) + turns
    values[at + NS] = (values[at + NS] as number) + ns
    values[at + SPINS] = (values[at + SPINS] as number) + 1
  }

  /** Two stretches each become one. */
  #grow(): void {
    const values = this.#values
    values[WIDTH] = 2 * (values[WIDTH] as number)
    for (let stretch = 0; stretch < STRETCHES; stretch++) {
      for (let i = 0; i < LENGTH; i++) {
        const at = VALUES + LENGTH * stretch + i
        const two = VALUES + 2 * LENGTH * stretch + i
        values[at] = stretch < STRETCHES / 2 ? (values[two] as number) + (values[two + LENGTH] as number) : 0
      }
    }
  }

  /**
   * How fast it was in the window.
   *
   * @returns why it cannot be told, where the generator spun in less than half of the time
   */
  read({ startNs, endNs }: { startNs: number; endNs: number }): Speed | string {
    const values = this.#values
    const rates: { atMs: number; rate: number }[] = []
    let inside = 0
    for (let stretch = 0; stretch < STRETCHES; stretch++) {
      const middleNs = (values[START] as number) + (stretch + 0.5) * (values[WIDTH] as number)
      if (middleNs < startNs || middleNs >= endNs) continue
      inside++
      const at = VALUES + LENGTH * stretch
      if ((values[at + SPINS] as number) < FEWEST) continue
      rates.push({ atMs: middleNs / NS_PER_MS, rate: (values[at + TURNS] as number) / (values[at + NS] as number) })
    }
    if (rates.length < inside / 2 || rates.length === 0) {
      return 'the generator hardly spun: requests came too fast, clients waited for answers, or spin is too short'
    }
    const mean = meanOf(rates.map(({ rate }) => rate))
    const timeline = rates.map(({ atMs, rate }) => ({ atMs, speed: rate / mean }))
    const sorted = timeline.map(({ speed }) => speed).sort((a, b) => a - b)
    const tenth = Math.ceil(sorted.length / 10)
    return { slowest: meanOf(sorted.slice(0, tenth)), fastest: meanOf(sorted.slice(-tenth)), timeline }
  }
}

const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

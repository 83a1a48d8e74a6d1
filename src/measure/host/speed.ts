import { real } from '../../clock/real.js'
import type { Speed } from '../../result/host.js'
import { NS_PER_MS } from '../../scenario/units.js'
import { mean } from '../../statistics/descriptive.js'
import type { Clock } from '../clock/clock.js'

/** How often this thread times a short loop, and how long that takes: some 0.1 % of a core. */
const EVERY_MS = 20
const LOOP_NS = 12_000
/** The loop runs untimed first, since caches and clocks are cold after a sleep. */
const WARM_UP = 0.5
/** The most points of a timeline, and how many loops a point needs. */
const POINTS = 40
const FEWEST = 5

/** Times a short loop now and then: how fast the machine is meanwhile. */
export class SpeedProbe {
  readonly #clock: Clock
  readonly #turns: number
  #timer: NodeJS.Timeout | undefined
  readonly #readings: { atNs: number; rate: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
    // compiled first
    turn(1_000_000)
    let turns = 1_000
    while (this.#time(turns) < LOOP_NS) turns *= 2
    this.#turns = turns
  }

  start(): void {
    this.#timer = real.setTimeout(() => {
      turn(this.#turns * WARM_UP)
      const atNs = this.#clock()
      this.#readings.push({ atNs, rate: this.#turns / this.#time(this.#turns) })
      this.start()
    }, EVERY_MS)
  }

  stop(): void {
    real.clearTimeout(this.#timer)
  }

  /** How fast the machine was in the window; why it is not known, if too few loops were timed. */
  read(window: { startNs: number; endNs: number }): Speed | string {
    return speedIn(window, this.#readings)
  }

  #time(turns: number): number {
    const startNs = this.#clock()
    turn(turns)
    return this.#clock() - startNs
  }
}

/** The speed over a window, from single readings. A point of its timeline is the median reading, so that interrupts do not count. */
export function speedIn(
  { startNs, endNs }: { startNs: number; endNs: number },
  readings: readonly { atNs: number; rate: number }[],
): Speed | string {
  const inside = readings.filter(({ atNs }) => atNs >= startNs && atNs < endNs)
  const points = Math.min(POINTS, Math.floor(inside.length / FEWEST))
  if (points < 2) return 'the window was too short, or the main thread too busy, to time a loop often enough'
  const rates = Array.from({ length: points }, (_, k) => {
    const own = inside.slice(Math.floor((k * inside.length) / points), Math.floor(((k + 1) * inside.length) / points))
    const sorted = own.map(({ rate }) => rate).sort((a, b) => a - b)
    const atNs = mean(own.map((each) => each.atNs))
    return { atMs: atNs / NS_PER_MS, rate: sorted[sorted.length >> 1] as number }
  })
  const meanRate = mean(rates.map(({ rate }) => rate))
  const timeline = rates.map(({ atMs, rate }) => ({ atMs, speed: rate / meanRate }))
  const sorted = timeline.map(({ speed }) => speed).sort((a, b) => a - b)
  const tenth = Math.ceil(sorted.length / 10)
  return { slowest: mean(sorted.slice(0, tenth)), fastest: mean(sorted.slice(-tenth)), timeline }
}

let sink = 0

function turn(turns: number): void {
  let x = sink | 1
  for (let i = 0; i < turns; i++) x = Math.imul(x, 1_664_525) + 1_013_904_223
  sink = x
}

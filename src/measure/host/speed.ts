import { real } from '../../clock/real.js'
import type { Speed } from '../../result/host.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { mean } from '../../statistics/descriptive.js'
import type { Clock } from '../clock/clock.js'

/** How often to time a short loop, and how long the loop takes: about 0.1 % of a core. */
const EVERY_MS = 20
const LOOP_NS = 12_000
/** The fraction of the loop to run untimed first, since caches and clocks are cold after a sleep. */
const WARM_UP = 0.5
/** The most segments of the timeline, and the fewest readings of a segment. */
const SEGMENTS = 40
const FEWEST = 5

/** Measures the speed of the machine over time, by timing a short loop. */
export class SpeedProbe {
  readonly #clock: Clock
  readonly #iterations: number
  #timer: NodeJS.Timeout | undefined
  readonly #readings: { atNs: number; rate: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
    warmUpLoop()
    let iterations = 1_000
    while (this.#time(iterations) < LOOP_NS) iterations *= 2
    this.#iterations = iterations
  }

  start(): void {
    this.#timer = real.setTimeout(() => {
      runLoop(this.#iterations * WARM_UP)
      const atNs = this.#clock()
      this.#readings.push({ atNs, rate: this.#iterations / this.#time(this.#iterations) })
      this.start()
    }, EVERY_MS)
  }

  stop(): void {
    real.clearTimeout(this.#timer)
  }

  /** Reads the speed in the window, or the reason why it is unknown. */
  read(window: { startNs: number; endNs: number }): Speed | string {
    return speedIn(window, this.#readings)
  }

  #time(iterations: number): number {
    const startNs = this.#clock()
    runLoop(iterations)
    return this.#clock() - startNs
  }
}

/** Computes the speed over a window. Each segment has the speed of its median reading, so that interrupts do not count. */
export function speedIn(
  { startNs, endNs }: { startNs: number; endNs: number },
  readings: readonly { atNs: number; rate: number }[],
): Speed | string {
  const inside = readings.filter(({ atNs }) => atNs >= startNs && atNs < endNs)
  const segments = Math.min(SEGMENTS, Math.floor(inside.length / FEWEST))
  if (segments < 2) return 'the window was too short, or the main thread too busy, to time a loop often enough'
  const rates = Array.from({ length: segments }, (_, k) => {
    const own = inside.slice(
      Math.floor((k * inside.length) / segments),
      Math.floor(((k + 1) * inside.length) / segments),
    )
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
let isWarm = false

/** Lets the compiler optimize the loop before it is first timed, which blocks this thread for some milliseconds. */
function warmUpLoop(): void {
  if (!isWarm) runLoop(1_000_000)
  isWarm = true
}

function runLoop(iterations: number): void {
  let x = sink | 1
  for (let i = 0; i < iterations; i++) x = Math.imul(x, 1_664_525) + 1_013_904_223
  sink = x
}

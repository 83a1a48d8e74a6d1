import { SEGMENTS } from '../result/recording.js'
import type { ClosedArrivals, OpenArrivals } from '../scenario/arrivals/arrivals.js'
import { schedule } from '../scenario/arrivals/schedule.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import { type CheckpointedStop, checkpointsOf, extentNs, type ResolvedExtent } from '../scenario/stop.js'
import { show, ValidationError } from '../validation/validation-error.js'

/** What is known of a run before it begins: its window, and the segments that the window is cut into. */
export interface Plan {
  /** the run stops at the first request that is due at `ns` or later, or has this number */
  stop: { requests: number; ns: number }
  /** Infinity where a closed loop has to tell */
  startNs: number
  /**
   * Infinity where a closed loop has to tell, or the arrivals end before the run's requests do: it is then the last
   * completion
   */
  endNs: number
  /** when sending is to be over; Infinity where that is not known */
  lastNs: number
  /** when each segment begins, and the number of its first request; NaN where sending has to tell */
  segments: { startNs: number; first: number }[]
}

type OpenScenario = ResolvedScenario & { arrivals: OpenArrivals }

/**
 * Plans a run of open arrivals. The requests follow from the seed, so walking through them shows when those are due that
 * open and close the window; if both are given as times, no walk is needed. A billion requests take seconds, so the
 * generator yields now and then, for an abort to be noticed.
 */
export function* planInSteps(scenario: OpenScenario): Generator<void, Plan> {
  if ('atMost' in scenario.stop) return planOfCheckpoints(scenario.stop, scenario.warmup)
  const stop = extentNs(scenario.stop)
  const warmup = extentNs(scenario.warmup)
  const walk = new Walk(scenario)

  const byTime = warmup.ns < Number.POSITIVE_INFINITY
  if (!byTime) yield* walk.to(warmup.requests)
  else if (stop.requests < Number.POSITIVE_INFINITY) yield* walk.until(warmup.ns)
  const startNs = byTime ? warmup.ns : walk.dueNs

  if (stop.ns < Number.POSITIVE_INFINITY) {
    const segments = Array.from({ length: SEGMENTS }, (_, k) => ({
      startNs: Math.round(startNs + ((stop.ns - startNs) * k) / SEGMENTS),
      first: k === 0 && !byTime ? walk.number : Number.NaN,
    }))
    return { stop, startNs, endNs: stop.ns, lastNs: stop.ns, segments }
  }

  const segments: Plan['segments'] = []
  const first = walk.number
  for (const number of segmentsFrom(first, stop.requests)) {
    yield* walk.to(number)
    if (walk.dueNs === Number.POSITIVE_INFINITY) break
    segments.push({ startNs: number === first ? startNs : walk.dueNs, first: number })
  }
  yield* walk.to(stop.requests)
  return { stop, startNs, endNs: walk.dueNs, lastNs: walk.lastNs, segments }
}

/** Plans the run of a closed loop, which has no requests to walk through: what comes by number is told as it goes. */
export function planOfLoop(scenario: ResolvedScenario & { arrivals: ClosedArrivals }): Plan {
  if ('atMost' in scenario.stop) return planOfCheckpoints(scenario.stop, scenario.warmup)
  const stop = extentNs(scenario.stop)
  const warmup = extentNs(scenario.warmup)
  const never = Number.POSITIVE_INFINITY
  const startNs = warmup.requests === 0 ? 0 : warmup.ns
  const first = warmup.requests < never ? warmup.requests : Number.NaN
  const at = (k: number) => Math.round(startNs + ((stop.ns - startNs) * k) / SEGMENTS)
  const byNumber = stop.ns === never && !Number.isNaN(first)
  const segments = byNumber
    ? segmentsFrom(first, stop.requests).map((number, k) => ({ startNs: k === 0 ? startNs : never, first: number }))
    : Array.from({ length: SEGMENTS }, (_, k) => ({
        startNs: k === 0 ? startNs : startNs < never && stop.ns < never ? at(k) : never,
        first: k === 0 ? first : Number.NaN,
      }))
  return { stop, startNs, endNs: stop.ns, lastNs: stop.ns, segments }
}

/**
 * Plans a run with checkpoints: up to the first checkpoint it is cut as any other, and from there to each next one in half
 * as many, so that at every checkpoint there are about twenty segments of one length to be made of them.
 */
function planOfCheckpoints(stop: CheckpointedStop, warmup: ResolvedExtent): Plan {
  const { ns: startNs } = extentNs(warmup)
  const checkpointEndsNs = checkpointsOf(stop).map((checkpoint) => extentNs(checkpoint).ns)
  const endNs = checkpointEndsNs.at(-1) as number
  if (!Number.isFinite(endNs)) throw byTime('stop.atMost', stop.atMost)
  if (!Number.isFinite(startNs)) throw byTime('warmup', warmup)
  const segments: Plan['segments'] = []
  let fromNs = startNs
  checkpointEndsNs.forEach((toNs, checkpoint) => {
    const pieces = checkpoint === 0 ? SEGMENTS : SEGMENTS / 2
    for (let k = 0; k < pieces; k++) {
      segments.push({ startNs: Math.round(fromNs + ((toNs - fromNs) * k) / pieces), first: Number.NaN })
    }
    fromNs = toNs
  })
  return { stop: { requests: Number.POSITIVE_INFINITY, ns: endNs }, startNs, endNs, lastNs: endNs, segments }
}

const byTime = (field: string, found: ResolvedExtent) =>
  new ValidationError(field, `must be a duration to measure until enough is known, got ${show(found)}`)

/** The numbers of the requests that segments begin with, without duplicates. */
export function segmentsFrom(first: number, requests: number): number[] {
  const numbers = new Set(
    Array.from({ length: SEGMENTS }, (_, k) => Math.ceil(first + ((requests - first) * k) / SEGMENTS)),
  )
  return [...numbers]
}

/** How many requests a plan walks through at a time: some 10 ms. */
const STEP = 2 ** 20

/** A walk through the requests, in order. */
class Walk {
  readonly #next: () => number
  number = 0
  dueNs: number
  /** when the newest request so far is due */
  lastNs = 0

  constructor({ arrivals, seed }: { arrivals: OpenArrivals; seed: number }) {
    this.#next = schedule(arrivals, seed)
    this.dueNs = this.#next()
  }

  *to(number: number): Generator<void> {
    while (this.number < number && this.dueNs < Number.POSITIVE_INFINITY) {
      this.#step()
      if (this.number % STEP === 0) yield
    }
  }

  *until(ns: number): Generator<void> {
    while (this.dueNs < ns) {
      this.#step()
      if (this.number % STEP === 0) yield
    }
  }

  #step(): void {
    this.lastNs = this.dueNs
    this.number++
    this.dueNs = this.#next()
  }
}

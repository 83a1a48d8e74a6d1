import { SEGMENTS, segmentsFrom } from '../result/recording.js'
import type { ClosedArrivals, OpenArrivals } from '../scenario/arrivals/arrivals.js'
import { schedule } from '../scenario/arrivals/schedule.js'
import { countInShard, type Shard } from '../scenario/arrivals/shard.js'
import { cutsBetween, stageSpans } from '../scenario/arrivals/stage-spans.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import { type CheckpointedStop, checkpointsOf, extentNs, type ResolvedExtent } from '../scenario/stop.js'
import { show, ValidationError } from '../validation/validation-error.js'

/** What is known of a run before it starts: its window, and the segments of the window. */
export interface Plan {
  /** the shard of the requests that the run sends; null if it sends all of them */
  shard: Shard | null
  /** the run stops before the first request that is due at `ns` or later, or has the number `requests` */
  stop: { requests: number; ns: number }
  /** Infinity if only a closed loop determines it */
  startNs: number
  /**
   * Infinity if only a closed loop determines it, or if the arrivals end before the run has all its requests: the window
   * then ends at the last completion
   */
  endNs: number
  /** when the last request is due; Infinity if unknown */
  lastNs: number
  /**
   * When each segment begins, and the number of its first request; NaN if only the run determines it. A stage that begins
   * within a segment cuts it: the part after that `continues` it.
   */
  segments: { startNs: number; first: number; continues?: boolean }[]
}

type OpenScenario = ResolvedScenario & { arrivals: OpenArrivals }

/**
 * Plans a run of open arrivals, or a shard of it: its window and segments are those of the whole run, and requests are
 * numbered in the shard. The seed determines the requests, so stepping through them finds when the first and last
 * requests of the window are due. If both ends of the window are given as times, no stepping is needed. A billion requests
 * take seconds, so the generator yields now and then, for an abort to be noticed.
 */
export function* planInSteps(scenario: OpenScenario, shard: Shard | null = null): Generator<void, Plan> {
  const { segments, stop, ...plan } = yield* planOfAll(scenario)
  return {
    ...plan,
    shard,
    stop: { ...stop, requests: countInShard(stop.requests, shard) },
    segments: segments.map((segment) => ({ ...segment, first: countInShard(segment.first, shard) })),
  }
}

type WholePlan = Omit<Plan, 'shard'>

function* planOfAll(scenario: OpenScenario): Generator<void, WholePlan> {
  const cuts = cutsBetween(stageSpans(scenario.arrivals))
  if ('atMost' in scenario.stop) {
    const plan = planOfCheckpoints(scenario.stop, scenario.warmup)
    return { ...plan, segments: cutSegments(plan, cuts) }
  }
  const stop = extentNs(scenario.stop)
  const warmup = extentNs(scenario.warmup)
  const walk = new Walk(scenario)

  const byTime = warmup.ns < Number.POSITIVE_INFINITY
  if (!byTime) yield* walk.to(warmup.requests)
  else if (stop.requests < Number.POSITIVE_INFINITY) yield* walk.to(Number.POSITIVE_INFINITY, warmup.ns)
  // without a warm-up, the window begins with the run, and not with its first request
  const startNs = byTime ? warmup.ns : warmup.requests === 0 ? 0 : walk.dueNs

  if (stop.ns < Number.POSITIVE_INFINITY) {
    const segments = Array.from({ length: SEGMENTS }, (_, k) => ({
      startNs: Math.round(startNs + ((stop.ns - startNs) * k) / SEGMENTS),
      first: k === 0 && !byTime ? walk.number : Number.NaN,
    }))
    return { stop, startNs, endNs: stop.ns, lastNs: stop.ns, segments: cutSegments({ segments, endNs: stop.ns }, cuts) }
  }

  const first = walk.number
  const segments: Plan['segments'] = []
  const ahead = cuts.filter((ns) => ns > startNs)
  /** Steps to a request, and cuts segments at the stages that begin on the way. */
  function* cutUntil(number: number): Generator<void> {
    for (;;) {
      const [cutNs] = ahead
      yield* walk.to(number, cutNs)
      if (cutNs === undefined || walk.dueNs < cutNs) return
      segments.push({ startNs: cutNs, first: walk.number, continues: true })
      ahead.shift()
    }
  }
  for (const number of segmentsFrom(first, stop.requests)) {
    if (number > first) yield* cutUntil(number)
    if (walk.dueNs === Number.POSITIVE_INFINITY) break
    segments.push({ startNs: number === first ? startNs : walk.dueNs, first: number })
  }
  if (segments.length > 0) yield* cutUntil(stop.requests)
  return { stop, startNs, endNs: walk.dueNs, lastNs: walk.lastNs, segments }
}

/** Cuts segments that begin at given times where stages begin. */
function cutSegments({ segments, endNs }: Pick<Plan, 'segments' | 'endNs'>, cuts: readonly number[]): Plan['segments'] {
  const starts = segments.map(({ startNs }) => startNs)
  const within = cuts.filter((ns) => ns > (starts[0] as number) && ns < endNs && !starts.includes(ns))
  const parts = within.map((startNs) => ({ startNs, first: Number.NaN, continues: true }))
  return [...segments, ...parts].sort((a, b) => a.startNs - b.startNs)
}

/** Plans the run of a closed loop. Its due times are not known, so boundaries by request number are found during the run. */
export function planOfLoop(
  scenario: ResolvedScenario & { arrivals: ClosedArrivals },
  shard: Shard | null = null,
): Plan {
  if ('atMost' in scenario.stop) return { ...planOfCheckpoints(scenario.stop, scenario.warmup), shard }
  const [stop, warmup] = [scenario.stop, scenario.warmup].map((extent) => {
    const { requests, ns } = extentNs(extent)
    return { requests: countInShard(requests, shard), ns }
  }) as [Plan['stop'], Plan['stop']]
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
  return { shard, stop, startNs, endNs: stop.ns, lastNs: stop.ns, segments }
}

/**
 * Plans a run with checkpoints. The part before the first checkpoint has as many segments as any run, and each later part
 * half as many, so that at every checkpoint they can be merged into about twenty segments of equal length.
 */
function planOfCheckpoints(stop: CheckpointedStop, warmup: ResolvedExtent): WholePlan {
  const { ns: startNs } = extentNs(warmup)
  const checkpointEndsNs = checkpointsOf(stop).map((checkpoint) => extentNs(checkpoint).ns)
  const endNs = checkpointEndsNs.at(-1) as number
  if (!Number.isFinite(endNs)) throw byTime('stop.atMost', stop.atMost)
  if (!Number.isFinite(startNs)) throw byTime('warmup', warmup)
  const segments: WholePlan['segments'] = []
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
  new ValidationError(field, `must be a duration if the run stops at a precision or budget, got ${show(found)}`)

/** How many requests a plan steps through between yields: about 10 ms. */
const STEP = 2 ** 20

/** Steps through the requests of a schedule, in order. */
class Walk {
  readonly #next: () => number
  number = 0
  dueNs: number
  /** when the newest request was due */
  lastNs = 0

  constructor({ arrivals, seed }: { arrivals: OpenArrivals; seed: number }) {
    this.#next = schedule(arrivals, seed)
    this.dueNs = this.#next()
  }

  /** Steps to a request by its number, or to the first that is due at `ns` or later, if that comes sooner. */
  *to(number: number, ns = Number.POSITIVE_INFINITY): Generator<void> {
    while (this.number < number && this.dueNs < ns) {
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

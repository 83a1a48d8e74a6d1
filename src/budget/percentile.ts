import { type Exceedances, FractionBounds } from '../result/exceedances.js'
import type { Relation } from '../scenario/budget.js'
import { NS_PER_MS } from '../scenario/units.js'

/** Which requests a limit is about, and how many of them. */
export interface Over {
  /** the fraction of requests that exceeded the limit; of a limit such as `< 50ms`, those that reached it */
  fraction: number
  /** how many may: 1 % for p99 */
  allowed: number
  /** the bounds of the fraction at 95 % */
  low: number
  high: number
}

/** What the fraction of requests over a limit says of it. */
export interface FractionVerdict {
  over: Over
  /** whether the fraction is at most the one allowed; null if that is not clear */
  within: boolean | null
  /** how many times as long a run would make it clear, if it went on as it was; null if none would */
  times: number | null
}

/**
 * The fraction of requests over a level is that over the limit or more. So a limit may also be judged at a lower level,
 * which is reached more often, and where it is better known how requests come in clusters. But the level is then chosen
 * by looking at the data, and a run that happens to be calm shows neither long latencies nor their clusters: so it has
 * to be well below the limit.
 */
interface Level {
  /** the limit over the level */
  margin: number
  /** clusters are looked for from the level down to the limit over this */
  reach: number
  /** by how much they may be larger than found */
  allowance: number
  /** whether the run must be worth some independent requests, at this level and all below it within reach */
  needsWorth: boolean
}

/** Tuned with the rest on queues whose percentiles are known: `bench/budget-verdicts.ts`. */
const LIMIT: Level = { margin: 1, reach: 2, allowance: 1.15, needsWorth: false }
const BELOW: readonly Level[] = [
  { margin: 1.4, reach: 2, allowance: 1.2, needsWorth: true },
  { margin: 2, reach: 2, allowance: 1, needsWorth: true },
  { margin: 3, reach: 3, allowance: 1, needsWorth: false },
]
const WORTH = { independent: 50, reach: 6 }
/** Clusters over the limit may be larger than found by this, if they are to show that too many requests exceed it. */
const ALLOWANCE_TO_FAIL = 1.2
/** With more exceedances, bounds are less cautious of themselves, and the allowance grows. */
const MORE_ALLOWED = 0.2
/** Levels an octave. */
const STEPS = 4

/**
 * Judges a percentile by the fraction of requests over its limit: at most 1 % of them may exceed the limit of a p99.
 *
 * @param tail the probability of each side to be wrong
 */
export function judgeFraction(
  exceedances: Exceedances,
  percentile: number,
  { relation, limit }: { relation: Relation; limit: number },
  tail: number,
): FractionVerdict {
  const judge = new FractionJudge(
    exceedances,
    percentile,
    limit * NS_PER_MS,
    relation === '<' || relation === '>=',
    tail,
  )
  const within = judge.within(1)
  return { over: judge.over, within, times: within === null ? judge.timesToDecide() : null }
}

class FractionJudge {
  readonly #exceedances: Exceedances
  readonly #n: number
  readonly #limitNs: number
  readonly #allowed: number
  readonly #tail: number
  readonly #atLimit: { least: number; most: number }
  /** of the run's own percentile: the clusters of its slowest requests, wherever those are */
  readonly #own: number
  /** how many requests are worth an independent one, to say that few or many exceed the limit */
  readonly #designs: { few: number; many: number }

  constructor(exceedances: Exceedances, percentile: number, limitNs: number, orAtIt: boolean, tail: number) {
    this.#exceedances = exceedances
    this.#n = exceedances.offered
    this.#limitNs = limitNs
    // 99.9 % leave 0.1 %, and not a hair less
    this.#allowed = Number(((100 - percentile) / 100).toPrecision(12))
    this.#tail = tail
    const atLimit = exceedances.over(limitNs, orAtIt)
    const ownNs = exceedances.percentileNs(percentile)
    this.#atLimit = atLimit
    this.#own = ownNs === null ? 1 : exceedances.over(ownNs).design
    const found = Math.max(this.#own, atLimit.design)
    const { allowance, reach } = LIMIT
    const few = Math.max(found, this.#designWithin(1, reach))
    const more = Math.max(1, (this.#allowed / 0.01) ** MORE_ALLOWED)
    this.#designs = { few: few * allowance * more, many: found * ALLOWANCE_TO_FAIL }
  }

  /**
   * Whether the fraction is at most the one allowed, null if that is not clear, of a run so many times as long that shows
   * the same.
   */
  within(times: number): boolean | null {
    const allowed = this.#allowed
    const n = this.#n * times
    const { least, most } = this.#atLimit
    const { few, many } = this.#designs
    if (least > allowed * this.#n) {
      return new FractionBounds(least * times, n, many, this.#tail).isAbove(allowed) ? false : null
    }
    if (most <= allowed * this.#n && new FractionBounds(most * times, n, few, this.#tail).isAtMost(allowed)) return true
    return BELOW.some((level) => this.#boundAt(level, times)?.isAtMost(allowed)) ? true : null
  }

  get over(): Over {
    const n = this.#n
    const { least, most } = this.#atLimit
    const { few, many } = this.#designs
    const high = [
      new FractionBounds(most, n, few, this.#tail).high,
      ...BELOW.flatMap((level) => this.#boundAt(level, 1)?.high ?? []),
    ]
    return {
      fraction: least / n,
      allowed: this.#allowed,
      low: new FractionBounds(least, n, many, this.#tail).low,
      high: Math.max(least / n, Math.min(...high)),
    }
  }

  timesToDecide(): number | null {
    let times = MIN_TIMES
    for (; times <= MAX_TIMES; times *= 1.1) if (this.within(times) !== null) return times * SAFETY
    return null
  }

  /** The bound of the fraction over a lower level; null if the run cannot tell it. */
  #boundAt({ margin, reach, allowance, needsWorth }: Level, times: number): FractionBounds | null {
    const n = this.#n * times
    const worth = () => n / this.#designWithin(margin, WORTH.reach)
    if (needsWorth && worth() < WORTH.independent) return null
    const design = this.#designWithin(margin, reach) * allowance
    const over = this.#exceedances.over(this.#limitNs / margin).most
    return new FractionBounds(over * times, n, design, this.#tail)
  }

  /** The largest design effect from one level down to another: those are the limit over these. */
  #designWithin(from: number, to: number): number {
    const steps = Math.round(Math.log2(to / from) * STEPS)
    const designs = Array.from({ length: steps + 1 }, (_, step) => {
      return this.#exceedances.over(this.#limitNs / from / 2 ** (step / STEPS)).design
    })
    return Math.max(...designs)
  }
}

/** A run that is advised is at least so much longer, and at most. */
const MIN_TIMES = 1.2
const MAX_TIMES = 100
/** And so much longer than what was found to be needed, as another run shows something else. */
const SAFETY = 1.5

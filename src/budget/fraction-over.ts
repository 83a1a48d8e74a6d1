import { type Exceedances, FractionBounds } from '../result/intervals/exceedances.js'
import type { Relation } from '../scenario/budget.js'
import { NS_PER_MS } from '../scenario/nanoseconds.js'

/** The fraction of requests over a limit, or of gaps between events. */
export interface Over {
  /** the observed fraction of requests over the limit; for a strict limit such as `< 50ms`, at or over it */
  fraction: number
  /** the allowed fraction: 0.01 for p99 */
  allowed: number
  /** the 95 % bounds of the fraction */
  low: number
  high: number
}

/** The verdict on the fraction of requests over a limit. */
export interface FractionVerdict {
  over: Over
  /** whether the fraction is at most the allowed one; null if this is not clear */
  within: boolean | null
  /** how many times as long a similar run must be to make it clear; null if none would */
  times: number | null
}

/**
 * A level below the limit. The fraction of requests over a lower level is at least that over the limit, so a limit may also
 * be judged at a lower level, which more requests exceed, and where their clusters are better known. But the level is then
 * chosen by looking at the data, and a run that happens to be calm shows neither long latencies nor their clusters: so the
 * level must be well below the limit.
 */
interface Level {
  /** limit / level */
  margin: number
  /** clusters are measured at levels from limit / margin down to limit / reach */
  reach: number
  /** factor by which clusters may be larger than measured */
  allowance: number
  /** whether the run must be worth `WORTH.independent` requests, at all levels from limit / margin down to limit / `WORTH.reach` */
  needsWorth: boolean
}

/** Tuned, as all constants here, on queues with known percentiles: `bench/studies/budget-verdicts.ts`. */
const LIMIT: Level = { margin: 1, reach: 2, allowance: 1.15, needsWorth: false }
const BELOW: readonly Level[] = [
  { margin: 1.4, reach: 2, allowance: 1.2, needsWorth: true },
  { margin: 2, reach: 2, allowance: 1, needsWorth: true },
  { margin: 3, reach: 3, allowance: 1, needsWorth: false },
]
const WORTH = { independent: 50, reach: 6 }
/** Factor by which clusters over the limit may be larger than measured, for a fail. */
const ALLOWANCE_TO_FAIL = 1.2
/** Exponent by which the allowance grows with the allowed fraction: with more exceedances, bounds by themselves are tighter. */
const MORE_ALLOWED = 0.2
/** Levels per factor of 2. */
const STEPS = 4

/**
 * Judges a percentile by the fraction of requests over its limit: at most 1 % of requests may exceed the limit of p99.
 *
 * @param percentile 99 for p99
 * @param limit in milliseconds
 * @param tail the probability of error on each side
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
  /** design effect at the run's own percentile, which may be far from the limit */
  readonly #own: number
  /** design effects (requests per independent request) used to show that few or that many requests exceed the limit */
  readonly #designs: { few: number; many: number }

  constructor(exceedances: Exceedances, percentile: number, limitNs: number, orAtIt: boolean, tail: number) {
    this.#exceedances = exceedances
    this.#n = exceedances.offered
    this.#limitNs = limitNs
    // rounds 100 - 99.9 to exactly 0.1
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
   * Whether the fraction is at most the allowed one, for a run this many times as long with the same distribution; null if
   * this is not clear.
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

  /** The bounds of the fraction over a lower level; null if the run is worth too few independent requests. */
  #boundAt({ margin, reach, allowance, needsWorth }: Level, times: number): FractionBounds | null {
    const n = this.#n * times
    const worth = () => n / this.#designWithin(margin, WORTH.reach)
    if (needsWorth && worth() < WORTH.independent) return null
    const design = this.#designWithin(margin, reach) * allowance
    const over = this.#exceedances.over(this.#limitNs / margin).most
    return new FractionBounds(over * times, n, design, this.#tail)
  }

  /** The largest design effect at levels from limit / from down to limit / to. */
  #designWithin(from: number, to: number): number {
    const steps = Math.round(Math.log2(to / from) * STEPS)
    const designs = Array.from({ length: steps + 1 }, (_, step) => {
      return this.#exceedances.over(this.#limitNs / from / 2 ** (step / STEPS)).design
    })
    return Math.max(...designs)
  }
}

/** Advice asks for a run at least and at most this many times as long. */
const MIN_TIMES = 1.2
const MAX_TIMES = 100
/** Advised lengths are this many times the computed one, because another run has other figures. */
const SAFETY = 1.5

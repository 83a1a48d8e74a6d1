import { z } from 'zod'
import { type Duration, type Fraction, fractionOf, options, positiveDuration } from '../../scenario/units.js'

/**
 * What is weighed of a setting: the quality of its answers, its cost an hour, its p99 of latency in milliseconds, and its
 * goodput, a fraction of 1; goodput is 1 if there is no wish for it.
 */
export interface Worth {
  quality: number
  cost: number
  p99Ms: number
  goodput: number
}

/** How much a quantity counts; beyond `enough`, better is worth no more. */
export type Wish<Enough> = number | { weight: number; enough?: Enough | undefined }

/**
 * What is nice to have, by weight. A weight says what one percent is worth: with `{ quality: 5, cost: 1 }`, one percent
 * more quality is worth five percent more cost.
 */
export interface Wishes {
  /**
   * the quality of the candidate
   *
   * @default 0, does not count
   */
  quality?: Wish<number> | undefined
  /**
   * the cost an hour
   *
   * @default 0, does not count
   */
  cost?: Wish<number> | undefined
  /**
   * the p99 of latency
   *
   * @default 0, does not count
   */
  p99?: Wish<Duration> | undefined
  /** the fraction of good requests, by the scenario's `good`, which it needs */
  goodput?: Wish<Fraction> | undefined
}

const WEIGHT_IS = 'must be a weight, a number of 0 or more, or { weight, enough }'
const weight = z.number({ error: WEIGHT_IS }).min(0, { error: WEIGHT_IS })
const ENOUGH_IS = 'must be a number above 0'
const amount = z.number({ error: ENOUGH_IS }).gt(0, { error: ENOUGH_IS })
const FRACTION_IS = "must be a fraction above 0 and at most 1, as a number (0.99) or a percentage ('99%')"
const fractionOfAll = z.union([z.number(), z.string()], { error: FRACTION_IS }).transform((value, context) => {
  const read = fractionOf(value)
  if (read !== null && read > 0 && read <= 1) return read
  context.issues.push({ code: 'custom', message: FRACTION_IS, input: value })
  return z.NEVER
})
const wish = <Enough extends z.ZodType<number, unknown>>(enough: Enough) =>
  z
    .union([weight, options({ weight, enough: enough.optional() })], { error: WEIGHT_IS })
    .transform((value) => (typeof value === 'number' ? { weight: value } : value))
    .optional()

export const wishesSchema = options({
  quality: wish(amount),
  cost: wish(amount),
  p99: wish(positiveDuration),
  goodput: wish(fractionOfAll),
}).refine((wishes) => Object.values(wishes).some((each) => (each?.weight ?? 0) > 0), {
  error: 'must give quality, cost, p99 or goodput a weight above 0',
})
export type ReadWishes = z.output<typeof wishesSchema>

/** Orders two settings, the better one first. */
export type Preference = (a: Worth, b: Worth) => number

/**
 * The order that wishes put settings in, or without wishes: the best quality first, of those the lowest cost, and of
 * those the lowest p99. Settings that wishes do not tell apart are in that order too.
 */
export function preferenceOf(wishes: ReadWishes | undefined): Preference {
  if (wishes === undefined) return inOrder
  return (a, b) => {
    const [ofA, ofB] = [scoreOf(a, wishes), scoreOf(b, wishes)]
    // sums of logarithms differ in their last digits
    return ofA !== ofB && Math.abs(ofA - ofB) > 1e-12 ? ofB - ofA : inOrder(a, b)
  }
}

function inOrder(a: Worth, b: Worth): number {
  const byP99 = a.p99Ms === b.p99Ms ? 0 : a.p99Ms - b.p99Ms
  return b.quality - a.quality || a.cost - b.cost || byP99 || b.goodput - a.goodput
}

/** A weighted product, as its logarithm: no unit and no other setting changes the order of two. */
function scoreOf({ quality, cost, p99Ms, goodput }: Worth, wishes: ReadWishes): number {
  const enough = (which: keyof ReadWishes, none: number) => wishes[which]?.enough ?? none
  const weight = (which: keyof ReadWishes) => wishes[which]?.weight ?? 0
  // a quantity without a weight does not count, even if it is 0 or infinite
  const term = (which: keyof ReadWishes, value: number) => (weight(which) === 0 ? 0 : weight(which) * Math.log(value))
  return (
    term('quality', Math.min(quality, enough('quality', Number.POSITIVE_INFINITY))) +
    // a setting without a good request is worth least, but still has a place in the order
    term('goodput', Math.max(Number.MIN_VALUE, Math.min(goodput, enough('goodput', 1)))) -
    term('cost', Math.max(cost, enough('cost', 0))) -
    term('p99', Math.max(p99Ms, enough('p99', 0)))
  )
}

/** Whether a setting is as good as another in everything. */
export const isAsGood = (a: Worth, b: Worth) =>
  a.quality >= b.quality && a.cost <= b.cost && a.p99Ms <= b.p99Ms && a.goodput >= b.goodput

/** Whether a setting is as good as another in everything, and better in something. */
function dominates(a: Worth, b: Worth): boolean {
  return isAsGood(a, b) && !isAsGood(b, a)
}

/** The Pareto front: the settings that no other dominates, from the cheapest on; of equal ones the first. */
export function frontOf<Of extends { worth: Worth }>(settings: readonly Of[]): Of[] {
  return settings
    .filter(({ worth }, i) => {
      const isEqual = (other: Worth) => !dominates(worth, other) && inOrder(worth, other) === 0
      return !settings.some((other, k) => dominates(other.worth, worth) || (k < i && isEqual(other.worth)))
    })
    .sort((a, b) => a.worth.cost - b.worth.cost || a.worth.p99Ms - b.worth.p99Ms)
}

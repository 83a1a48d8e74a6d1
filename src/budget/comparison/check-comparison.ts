import { z } from 'zod'
import { checkVersion, type Source, throwFaults } from '../../validation/validation-error.js'
import { comparePairs } from './compare-pairs.js'
import {
  COMPARED,
  type Comparison,
  comparedMetrics,
  DESIGNS,
  type MetricComparison,
  overallVerdict,
  verdictOf,
} from './comparison.js'

const SCHEMA = 'throughline/comparison@1'
const verdict = z.enum(['slower', 'faster', 'same', 'inconclusive'], {
  error: "must be 'slower', 'faster', 'same' or 'inconclusive'",
})
const number = z.number({ error: 'must be a number' })
const metric = z.looseObject({
  metric: z.enum(COMPARED),
  base: number.nullable(),
  head: number.nullable(),
  ratio: number.nullable(),
  difference: number.nullable(),
  interval: z.looseObject({ low: number.nullable(), high: number.nullable() }),
  verdict,
})
const round = z.looseObject({
  figures: z.looseObject({
    ...Object.fromEntries(COMPARED.map((name) => [name, number.nullable()])),
    ...{ throughput: number, errorRate: number, goodput: number.optional() },
  }),
  invalid: z.array(z.string()),
})
const side = z.looseObject({ scenario: z.looseObject({}).nullable() })
const comparisonSchema = z
  .looseObject({
    design: z.enum([...DESIGNS, 'unpaired'], { error: "must be 'alternating', 'duet' or 'unpaired'" }),
    null: z.boolean({ error: 'must be true or false' }),
    rounds: z.int({ error: 'must be a whole number' }).min(0, { error: 'must be 0 or more' }),
    of: z.enum(COMPARED),
    within: number,
    verdict,
    metrics: z.array(metric),
    base: side,
    head: side,
    pairs: z.array(z.looseObject({ base: round, head: round })),
    findings: z.array(z.looseObject({ code: z.string(), severity: z.string(), message: z.string() })),
  })
  .superRefine((given, context) => {
    const fault = faultOf(given as unknown as Comparison)
    if (fault === null) return
    context.issues.push({ code: 'custom', message: fault[1], input: given, path: [fault[0]] })
  })

/**
 * Finds the first figure that does not follow from the others: `[path, message]`. A comparison of rounds rests on its pairs
 * alone, so it is computed again from them; a comparison of two results is checked against its intervals.
 */
function faultOf(comparison: Comparison): [string, string] | null {
  const { design, within, rounds, verdict, metrics, pairs, findings } = comparison
  const expected = comparedMetrics(metrics.some(({ metric }) => metric === 'goodput'))
  if (metrics.length !== expected.length || expected.some((name, i) => metrics[i]?.metric !== name)) {
    return ['metrics', `must hold one entry for each of ${expected.join(', ')}, in this order`]
  }
  if (!expected.includes(comparison.of)) return ['of', `must be one of its metrics: ${expected.join(', ')}`]
  if (overallVerdict(comparison).verdict !== verdict) return ['verdict', 'must follow from its metrics']
  if (design === 'unpaired') {
    if (pairs.length > 0) return ['design', "must be 'alternating' or 'duet' if there are pairs"]
    const isInvalid = findings.some(({ severity }) => severity === 'error')
    const wrong = metrics.find((metric) => metric.verdict !== (isInvalid ? 'inconclusive' : verdictOf(metric, within)))
    if (wrong !== undefined) {
      const right = isInvalid ? 'inconclusive' : verdictOf(wrong, within)
      return ['metrics', `must have the verdict '${right}' for ${wrong.metric}, as its interval shows`]
    }
    const contradictory = metrics.find((metric) => !followsFromItsSides(metric))
    if (contradictory !== undefined)
      return ['metrics', `must have a ratio for ${contradictory.metric} that is head / base and within its interval`]
    return null
  }
  if (rounds < pairs.length) return ['rounds', `must be at least ${pairs.length}, the number of pairs`]
  const again = comparePairs(pairs, { within, rounds }).metrics
  const wrong = again.find((each, i) => !sameMetric(each, metrics[i] as MetricComparison))
  return wrong === undefined
    ? null
    : ['metrics', `must have the figures and the verdict '${wrong.verdict}' for ${wrong.metric}, as its pairs show`]
}

/** Whether a ratio is head / base and within its interval. A missing ratio, side or bound is not checked. */
function followsFromItsSides({ base, head, ratio, interval: { low, high }, unit }: MetricComparison): boolean {
  if (ratio === null) return true
  const quotient = base === null || head === null ? null : unit === '/s' ? null : head / base
  if (quotient !== null && Math.abs(ratio / quotient - 1) > ROUNDING) return false
  return (low ?? ratio) <= ratio * (1 + ROUNDING) && (high ?? ratio) >= ratio * (1 - ROUNDING)
}

/** Relative tolerance for a figure computed from the same pairs on another machine. */
const ROUNDING = 1e-6

function sameMetric(again: MetricComparison, stored: MetricComparison): boolean {
  const figures = ({ base, head, ratio, difference, interval }: MetricComparison) => [
    ...[base, head, ratio, difference],
    ...[interval.low, interval.high],
  ]
  const there = figures(stored)
  const same = (a: number | null, b: number | null) =>
    a === null || b === null ? a === b : Math.abs(a - b) <= ROUNDING * Math.max(1, Math.abs(a))
  return again.verdict === stored.verdict && figures(again).every((each, i) => same(each, there[i] as number | null))
}

/**
 * Checks only that a value is a comparison of the supported version.
 *
 * @throws ValidationError if it is something else, such as a promise
 */
export function checkIsComparison(value: unknown, name: Source = 'comparison'): void {
  checkVersion(value, { name, kind: 'comparison', schema: SCHEMA })
}

/**
 * Checks a comparison in full, for instance one read from a file, and returns it.
 *
 * @throws ValidationError if it has another version, or its verdict does not follow from its figures
 */
export function checkComparison(value: unknown, name: Source = 'comparison'): Comparison {
  checkIsComparison(value, name)
  const parsed = comparisonSchema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
  return value as Comparison
}

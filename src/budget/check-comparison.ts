import { z } from 'zod'
import { checkVersion, throwFaults } from '../validation/validation-error.js'
import { comparePairs } from './compare-pairs.js'
import { COMPARED, type Comparison, DESIGNS, type MetricComparison, overallVerdict, verdictOf } from './comparison.js'

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
    ...{ throughput: number, errorRate: number },
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
 * The first figure that does not follow from the others. Pairs are all that a comparison of rounds rests on, so it is made
 * again; of two results there are the intervals.
 */
function faultOf(comparison: Comparison): [string, string] | null {
  const { design, within, rounds, verdict, metrics, pairs, findings } = comparison
  if (metrics.length !== COMPARED.length || COMPARED.some((name, i) => metrics[i]?.metric !== name)) {
    return ['metrics', `must be those of ${COMPARED.join(', ')}`]
  }
  if (overallVerdict(comparison).verdict !== verdict) return ['verdict', 'must be what its metrics say']
  if (design === 'unpaired') {
    if (pairs.length > 0) return ['design', "must be 'alternating' or 'duet', as there are pairs"]
    const isInvalid = findings.some(({ severity }) => severity === 'error')
    const wrong = metrics.find((metric) => metric.verdict !== (isInvalid ? 'inconclusive' : verdictOf(metric, within)))
    if (wrong !== undefined) {
      const right = isInvalid ? 'inconclusive' : verdictOf(wrong, within)
      return ['metrics', `must say of ${wrong.metric} what its interval does, ${right}`]
    }
    const unsound = metrics.find((metric) => !followsFromItsSides(metric))
    if (unsound !== undefined)
      return ['metrics', `must have the ratio of ${unsound.metric} that head and base have, within its interval`]
    return null
  }
  if (rounds < pairs.length) return ['rounds', `must be at least the ${pairs.length} pairs that there are`]
  const again = comparePairs(pairs, { within, rounds }).metrics
  const wrong = again.find((each, i) => !sameMetric(each, metrics[i] as MetricComparison))
  return wrong === undefined ? null : ['metrics', `must say of ${wrong.metric} what the pairs do, ${wrong.verdict}`]
}

/** Whether a ratio is that of its sides, and lies in its interval, as far as there are any. */
function followsFromItsSides({ base, head, ratio, interval: { low, high }, unit }: MetricComparison): boolean {
  if (ratio === null) return true
  const quotient = base === null || head === null ? null : unit === '/s' ? null : head / base
  if (quotient !== null && Math.abs(ratio / quotient - 1) > ROUNDING) return false
  return (low ?? ratio) <= ratio * (1 + ROUNDING) && (high ?? ratio) >= ratio * (1 - ROUNDING)
}

/** How far apart two figures may be that are computed from the same pairs on different machines. */
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
 * Refuses what is no comparison at all, such as the promise of one. What it holds is taken as it is.
 *
 * @throws ValidationError
 */
export function checkIsComparison(value: unknown, name = 'comparison'): void {
  checkVersion(value, { name, kind: 'comparison', schema: SCHEMA })
}

/**
 * Checks what may be a comparison, such as one read from a file.
 *
 * @throws ValidationError if it is of another version, or its verdict does not follow from its figures
 */
export function checkComparison(value: unknown, name = 'comparison'): Comparison {
  checkIsComparison(value, name)
  const parsed = comparisonSchema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
  return value as Comparison
}

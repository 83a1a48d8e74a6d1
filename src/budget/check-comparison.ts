import { z } from 'zod'
import { checkVersion, throwFaults } from '../scenario/error.js'
import { comparePairs } from './compare-pairs.js'
import { COMPARED, type Comparison, overall } from './comparison.js'

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
  figures: z.looseObject(Object.fromEntries(COMPARED.map((name) => [name, number]))),
  invalid: z.array(z.string()),
})
const comparisonSchema = z
  .looseObject({
    design: z.enum(['paired', 'unpaired'], { error: "must be 'paired' or 'unpaired'" }),
    of: z.enum(COMPARED),
    within: number,
    verdict,
    metrics: z.array(metric),
    pairs: z.array(z.looseObject({ base: round, head: round })),
    findings: z.array(z.looseObject({ code: z.string(), severity: z.string(), message: z.string() })),
  })
  .superRefine((given, context) => {
    const fault = faultOf(given as unknown as Comparison)
    if (fault === null) return
    context.issues.push({ code: 'custom', message: fault[1], input: given, path: [fault[0]] })
  })

/** A paired comparison holds all that it rests on, and so can be made again. */
function faultOf({ design, of, within, verdict, metrics, pairs }: Comparison): [string, string] | null {
  if (COMPARED.some((name, i) => metrics[i]?.metric !== name))
    return ['metrics', `must be those of ${COMPARED.join(', ')}`]
  if (overall(metrics, of).verdict !== verdict) return ['verdict', 'must be what its metrics say']
  if (design === 'unpaired') return null
  const again = comparePairs(pairs, within).metrics
  const wrong = again.find((each, i) => each.verdict !== metrics[i]?.verdict)
  return wrong === undefined ? null : ['metrics', `must say of ${wrong.metric} what the pairs do, ${wrong.verdict}`]
}

/**
 * Refuses what is no comparison at all, such as the promise of one. What it holds is taken as it is.
 *
 * @throws ScenarioError
 */
export function checkIsComparison(value: unknown, name = 'comparison'): void {
  checkVersion(value, { name, kind: 'comparison', schema: SCHEMA })
}

/**
 * Checks what may be a comparison, such as one read from a file.
 *
 * @throws ScenarioError where it is of another version, or its verdict does not follow from its figures
 */
export function checkedComparison(value: unknown, name = 'comparison'): Comparison {
  checkIsComparison(value, name)
  const parsed = comparisonSchema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
  return value as Comparison
}

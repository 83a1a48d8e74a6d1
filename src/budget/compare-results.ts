import { checkedResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { type Rule, rulesOf } from '../scenario/budget.js'
import { throwFaults } from '../scenario/error.js'
import { options, type Share, share } from '../scenario/units.js'
import {
  COMPARED,
  type ComparedMetric,
  type Comparison,
  type JudgeOptions,
  judgeShape,
  type MetricComparison,
  overall,
  UNITS,
  verdictOnErrors,
  verdictOnRatio,
} from './comparison.js'
import { type Estimate, estimateOf } from './estimate.js'

export interface CompareResultsOptions extends JudgeOptions {
  /**
   * How far apart the machine alone may put two measurements of the same thing: times have their interval widened by it
   * on either side. Default 20% where one was measured, as two measurements on a shared machine differ at p99; 0 where
   * both were simulated.
   */
  machineNoise?: Share | undefined
}

const schema = options({ ...judgeShape, machineNoise: share.optional() })
const NOISE = 0.2

/**
 * Compares two results that were not run together, each by its own intervals: a ratio lies between the far ends of
 * both, which holds at least as often as each of them does (two intervals of independent runs, end to end, are wider
 * than one of their ratio would be). Two measurements differ by what the machine did meanwhile, too, which no interval
 * of theirs covers: `machineNoise` does. `compare` cancels it, and so finds far smaller differences.
 *
 * A result that is invalid, or too short to have an interval, is never said to be slower, faster or the same.
 *
 * @throws ScenarioError where an option is none, or what is given is no Result
 */
export function compareResults(base: Result, head: Result, given: CompareResultsOptions = {}): Comparison {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'options', given)
  const { of, within } = asked.data
  const both = { base: checkedResult(base, 'base'), head: checkedResult(head, 'head') }
  const measured = [base, head].some(({ engine }) => engine !== 'simulate')
  const noise = asked.data.machineNoise ?? (measured ? NOISE : 0)
  const invalid = invalidOf(both)
  const reason = invalid[0]?.message
  const metrics = COMPARED.map((metric) => {
    const each = metric === 'errorRate' ? errors(base, head) : ratio(metric, base, head, within, noise)
    return reason === undefined ? each : { ...each, verdict: 'inconclusive' as const, reason }
  })
  return {
    schema: 'throughline/comparison@1',
    engine: head.engine,
    design: 'unpaired',
    of,
    within,
    ...overall(metrics, of),
    metrics,
    base: { scenario: base.scenario, environment: base.environment },
    head: { scenario: head.scenario, environment: head.environment },
    pairs: [],
    findings: [...invalid, ...differences(base, head), ...(measured ? [notInterleaved(noise)] : [])],
  }
}

/** What a result says of a metric, requests that were never answered being slower than any other. */
function estimateIn(metric: ComparedMetric, result: Result): Estimate {
  const [rule] = rulesOf({ [metric]: 1 }) as [Rule]
  return estimateOf(rule, { result })
}

function ratio(
  metric: Exclude<ComparedMetric, 'errorRate'>,
  base: Result,
  head: Result,
  within: number,
  noise: number,
): MetricComparison {
  const [of, over] = [estimateIn(metric, base), estimateIn(metric, head)]
  // what an open load completes is what it offers, however fast the machine is
  const widened = metric === 'throughput' ? 1 : 1 + noise
  const low = quotient(over.interval?.low, of.interval?.high, 1 / widened)
  const high = quotient(over.interval?.high, of.interval?.low, widened)
  const reason = reasonOf(of) ?? reasonOf(over)
  return {
    metric,
    unit: UNITS[metric],
    base: of.observed,
    head: over.observed,
    ratio: quotient(over.observed, of.observed, 1),
    difference: null,
    interval: { low, high, level: 0.95, ...(reason !== undefined && { reason }) },
    verdict: verdictOnRatio(metric, low ?? Number.NEGATIVE_INFINITY, high ?? Number.POSITIVE_INFINITY, within),
    ...(reason !== undefined && { reason }),
  }
}

const reasonOf = ({ interval, reason }: Estimate) => interval?.reason ?? reason

/** A ratio of which one is not known or never ends, or nothing is below, is not known. */
function quotient(above: number | null | undefined, below: number | null | undefined, times: number): number | null {
  const quotient = ((above ?? Number.NaN) / (below ?? Number.NaN)) * times
  return Number.isFinite(quotient) ? quotient : null
}

function errors(base: Result, head: Result): MetricComparison {
  const [of, over] = [estimateIn('errorRate', base), estimateIn('errorRate', head)]
  const low = difference(over.interval?.low, of.interval?.high)
  const high = difference(over.interval?.high, of.interval?.low)
  const reason = reasonOf(of) ?? reasonOf(over)
  // that nothing failed is as much as a run can show of its errors
  const none = base.rates.error === 0 && head.rates.error === 0
  return {
    metric: 'errorRate',
    unit: UNITS.errorRate,
    base: base.rates.error,
    head: head.rates.error,
    ratio: null,
    difference: head.rates.error - base.rates.error,
    interval: { low, high, level: 0.95, ...(reason !== undefined && { reason }) },
    verdict: none ? 'same' : verdictOnErrors(low ?? Number.NEGATIVE_INFINITY, high ?? Number.POSITIVE_INFINITY),
    ...(reason !== undefined && { reason }),
  }
}

function difference(a: number | null | undefined, b: number | null | undefined): number | null {
  return typeof a === 'number' && typeof b === 'number' ? a - b : null
}

function invalidOf(both: Record<'base' | 'head', Result>): Finding[] {
  return (['base', 'head'] as const).flatMap((side) => {
    const found = both[side].validity.findings.filter(({ severity }) => severity === 'error')
    if (found.length === 0) return []
    const said = found.map(({ code, message }) => `${code}: ${message}`).join('; ')
    return [
      {
        code: 'run-invalid',
        severity: 'error',
        message: `${side} is invalid, and so tells nothing: ${said}`,
        figures: {},
      },
    ]
  })
}

function notInterleaved(noise: number): Finding {
  return {
    code: 'not-interleaved',
    severity: 'info',
    message: `the machine may have been faster for one than for the other: the intervals of times allow for ${Number((100 * noise).toPrecision(3))} %. Rounds of both in one run, with compare, would cancel it`,
    figures: { noise },
  }
}

/** What else than the code may explain a difference. */
function differences(base: Result, head: Result): Finding[] {
  const findings: Finding[] = []
  const add = (code: Finding['code'], message: string) =>
    findings.push({ code, severity: 'warning', message, figures: {} })
  if (base.engine !== head.engine) {
    add('environments-differ', `base is of ${ENGINES[base.engine]}, head of ${ENGINES[head.engine]}`)
  }
  if (base.environment !== null && head.environment !== null) {
    const named = { node: 'Node', platform: 'platform', cpu: 'CPU', cores: 'number of cores' } as const
    const [of, over] = [base.environment, head.environment]
    for (const key of Object.keys(named) as (keyof typeof named)[]) {
      if (of[key] !== over[key]) {
        add('environments-differ', `not the same ${named[key]}: ${of[key]} for base, ${over[key]} for head`)
      }
    }
  }
  if (base.scenario === null || head.scenario === null) return findings
  const fields = FIELDS.filter(
    (field) => JSON.stringify(base.scenario?.[field]) !== JSON.stringify(head.scenario?.[field]),
  )
  if (fields.length > 0) add('scenarios-differ', `their scenarios differ in ${fields.join(', ')}`)
  if (base.scenario.seed !== head.scenario.seed) {
    add(
      'seeds-differ',
      `their seeds differ (${base.scenario.seed}, ${head.scenario.seed}): they did not face the same requests`,
    )
  }
  return findings
}

const ENGINES = { simulate: 'a simulation', measure: 'a measurement', record: 'a live service' } as const
/** What is run, rather than what it is run on: a service or a target is what a comparison is of. */
const FIELDS = ['arrivals', 'batching', 'servers', 'queue', 'stop', 'warmup'] as const

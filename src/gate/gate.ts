import { type BudgetCheck, checkBudget } from '../budget/check.js'
import type { Comparison } from '../budget/comparison.js'
import { type Detectable, detectableChanges } from '../budget/detectable.js'
import { type CompareOptions, compare } from '../explore/compare.js'
import { MeasureError } from '../measure/error.js'
import type { Budget } from '../scenario/budget.js'
import type { Scenario } from '../scenario/scenario.js'
import { hasTarget } from '../scenario/target.js'
import { simulate } from '../simulate/simulate.js'
import { messageOf, ValidationError } from '../validation/validation-error.js'
import type { GatedScenario, GateVerdict } from './gate-report.js'

/** How a scenario of a gate is compared. */
export type GateCompareOptions = Pick<
  CompareOptions,
  'of' | 'within' | 'rounds' | 'design' | 'engine' | 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'
>

/**
 * A scenario of a gate, an export of a `*.throughline.ts` file: a scenario, the budget that head has to keep, and how head
 * is compared with base.
 *
 * @example
 * export const saveOrder = {
 *   arrivals: '200/s',
 *   call: () => new Promise((resolve) => setTimeout(resolve, 2)),
 *   budget: { p99: '50ms' },
 *   compare: { within: '10%' },
 * } satisfies GateScenario
 */
export type GateScenario = Scenario & {
  /** Judged in a run of head of its own, of 10 s at most. */
  budget?: Budget | undefined
  /** Options of `compare`; those of head count. Default: 24 pairs of rounds at most. */
  compare?: GateCompareOptions | undefined
}

/** A scenario as both sides have it. */
export interface GateEntry {
  name: string
  file: string
  base: GateScenario | null
  head: GateScenario | null
}

export interface GateProgress {
  /** how much of the gate is done, from 0 to 1 */
  fraction: number
  name: string
  doing: string
}

export interface GateOptions {
  /** what replaces the options of every scenario */
  compare?: GateCompareOptions | undefined
  /** pairs of base with itself before each comparison that is measured; 0 is none */
  nullPairs: number
  signal?: AbortSignal | undefined
  /** Returning false ends the gate with what it has. */
  onProgress(progress: GateProgress): boolean
}

/** With 8 pairs of base with itself, 32 pairs of rounds of 0.5 s: half a minute a scenario. */
const ROUNDS = 24
/** How long head runs for the verdict on its budget, at most. */
const BUDGET_RUN = { simulate: { requests: 2_000_000 }, measure: { duration: '10s' } } as const
/** Of the progress of a scenario: pairs of base with itself, the comparison, and the budget. */
const PARTS = { null: 0, compare: 0.25, budget: 0.85 }

/** Compares every scenario of head with that of base, one after the other, and judges the budgets of head. */
export async function gateScenarios(entries: readonly GateEntry[], options: GateOptions): Promise<GatedScenario[]> {
  const compared = entries.filter(({ base, head }) => base !== null && head !== null).length
  const gated: GatedScenario[] = []
  let ended = false
  for (const [i, entry] of entries.entries()) {
    const onProgress = (progress: GateProgress) => {
      ended ||= !options.onProgress({ ...progress, fraction: (i + progress.fraction) / entries.length })
      return !ended
    }
    const single = { ...options, onProgress, confirms: compared > 1, isEnded: () => ended }
    gated.push(ended ? notRun(entry) : await gateScenario(entry, single))
  }
  return gated
}

const nothing = ({ name, file, base, head }: GateEntry): GatedScenario => ({
  ...{ name, file, in: base === null ? 'head' : head === null ? 'base' : 'both', verdict: 'pass' as const },
  ...{ comparison: null, confirmation: null, detectable: null, budget: null },
})

const notRun = (entry: GateEntry): GatedScenario => ({
  ...nothing(entry),
  verdict: 'inconclusive',
  reason: 'not run: the gate was interrupted',
})

interface SingleOptions extends GateOptions {
  /** whether a scenario that comes out slower is compared again */
  confirms: boolean
  isEnded(): boolean
}

async function gateScenario(entry: GateEntry, options: SingleOptions): Promise<GatedScenario> {
  const { name, base, head } = entry
  const gated = nothing(entry)
  if (head === null) return { ...gated, reason: 'only in base: it was removed, or renamed' }
  try {
    if (base === null) gated.reason = 'only in head: there is nothing to compare it with'
    else Object.assign(gated, await compareSides(name, base, head, options))
  } catch (error) {
    if (options.isEnded()) return notRun(entry)
    return { ...gated, ...failedBy(error) }
  }
  if (head.budget === undefined || options.isEnded()) return gated
  try {
    gated.budget = await judgeBudget(name, head, options)
  } catch (error) {
    if (options.isEnded()) return gated
    const failed = failedBy(error)
    // that nothing of head works is what the comparison says too
    return gated.verdict === 'fail' ? gated : { ...gated, ...failed }
  }
  if (gated.budget !== null) gated.verdict = worse(gated.verdict, gated.budget.verdict)
  return gated
}

/** A scenario that cannot be run; other errors are not of the scenario. */
function failedBy(error: unknown): Pick<GatedScenario, 'verdict' | 'reason'> {
  if (error instanceof MeasureError || error instanceof ValidationError) {
    return { verdict: 'failed', reason: messageOf(error) }
  }
  throw error
}

const GRAVITY: readonly GateVerdict[] = ['pass', 'inconclusive', 'fail', 'failed']
const worse = (a: GateVerdict, b: GateVerdict) => (GRAVITY.indexOf(a) > GRAVITY.indexOf(b) ? a : b)

const VERDICTS = { same: 'pass', faster: 'pass', slower: 'fail', inconclusive: 'inconclusive' } as const

async function compareSides(
  name: string,
  base: GateScenario,
  head: GateScenario,
  options: SingleOptions,
): Promise<Partial<GatedScenario>> {
  const { nullPairs, signal, onProgress, confirms, isEnded } = options
  const compareOptions = { rounds: ROUNDS, ...base.compare, ...head.compare, ...defined(options.compare) }
  const sides = { base: scenarioOf(base), head: scenarioOf(head) }
  const run = (from: number, to: number, what: string, more: CompareOptions = {}, compared = sides) =>
    compare(compared, {
      ...compareOptions,
      ...more,
      signal,
      onProgress: ({ fraction, done, total }) =>
        onProgress({ name, fraction: from + (to - from) * fraction, doing: `${what}, pair ${done + 1} of ${total}` }),
    })
  const engine = compareOptions.engine ?? (hasTarget(sides.base) || hasTarget(sides.head) ? 'measure' : 'simulate')
  // in virtual time, base and itself are the same to the last digit
  const nulls =
    nullPairs === 0 || engine === 'simulate'
      ? null
      : await run(PARTS.null, PARTS.compare, 'base with itself', { null: true, rounds: nullPairs })
  if (isEnded()) return { verdict: 'inconclusive', reason: 'not compared: the gate was interrupted' }
  const comparison = await run(nulls === null ? PARTS.null : PARTS.compare, PARTS.budget, 'base and head')
  const { of, within, rounds } = comparison
  const detectable: Detectable | null = nulls === null ? null : detectableChanges(nulls.pairs, { of, within, rounds })
  const verdict = VERDICTS[comparison.verdict]
  if (verdict !== 'fail' || !confirms || isEnded()) return { comparison, detectable, verdict }
  const others = { base: withOtherRequests(sides.base), head: withOtherRequests(sides.head) }
  const confirmation = await run(PARTS.budget, PARTS.budget, 'base and head again', {}, others)
  return { comparison, confirmation, detectable, ...confirmed(confirmation) }
}

/**
 * One comparison in a hundred may call slower what is the same, so that many scenarios would have many chances to. Two
 * comparisons of the same scenario both do once in ten thousand.
 */
function confirmed({ verdict }: Comparison): Pick<GatedScenario, 'verdict' | 'reason'> {
  if (verdict === 'slower') return { verdict: 'fail' }
  return { verdict: 'inconclusive', reason: `slower at first, and ${verdict} when compared again` }
}

async function judgeBudget(name: string, head: GateScenario, options: SingleOptions): Promise<BudgetCheck | null> {
  const budget = head.budget as Budget
  const scenario = scenarioOf(head)
  const engine = options.compare?.engine ?? head.compare?.engine ?? (hasTarget(scenario) ? 'measure' : 'simulate')
  const { arrivals } = scenario
  const ends = typeof arrivals === 'object' && (arrivals?.process === 'replay' || arrivals?.process === 'stages')
  const run = { ...scenario, stop: ends ? undefined : { budget, atMost: BUDGET_RUN[engine] } } as Scenario
  const report = (fraction: number) =>
    options.onProgress({ name, fraction: PARTS.budget + (1 - PARTS.budget) * fraction, doing: 'budget of head' })
  report(0)
  if (engine === 'simulate') return checkBudget(simulate(run), budget)
  // loaded on first use, as simulations need none of it
  const { measure } = await import('../measure/measure.js')
  const result = await measure(run, { signal: options.signal, onProgress: ({ fraction }) => report(fraction) })
  return options.isEnded() ? null : checkBudget(result, budget)
}

function scenarioOf({ budget: _, compare: __, ...scenario }: GateScenario): Scenario {
  return scenario as Scenario
}

/** Beyond the seeds of the first comparison, which has at most so many pairs. */
const withOtherRequests = (scenario: Scenario): Scenario => ({ ...scenario, seed: (scenario.seed ?? 1) + 1000 })

/** The options that are given: an undefined one replaces nothing. */
function defined(options: GateCompareOptions = {}): GateCompareOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

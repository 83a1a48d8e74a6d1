import { type BudgetCheck, checkBudget } from '../budget/check.js'
import type { Comparison } from '../budget/comparison/comparison.js'
import { type CompareOptions, compare } from '../explore/compare.js'
import { MeasureError } from '../measure/error.js'
import { endsByItself } from '../scenario/arrivals/arrivals.js'
import type { Budget } from '../scenario/budget.js'
import type { Scenario } from '../scenario/scenario.js'
import { hasTarget } from '../scenario/target.js'
import { simulate } from '../simulate/simulate.js'
import { messageOf, ValidationError } from '../validation/validation-error.js'
import { estimateDetectable } from './detectable.js'
import type { GateOutcome, GateVerdict } from './gate-report.js'

/** Options of the comparison of a scenario. */
export type GateCompareOptions = Pick<
  CompareOptions,
  'of' | 'within' | 'rounds' | 'design' | 'engine' | 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'
>

/**
 * A scenario of a gate, exported from a `*.throughline.ts` file: a scenario, the budget of head, and options of the
 * comparison.
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
  /** The budget of head, checked in a separate run of at most 10 s. */
  budget?: Budget | undefined
  /**
   * Options of `compare`. Those of head replace those of base.
   *
   * @default at most 40 pairs of rounds; 30 in a gate of four scenarios, 24 in one of five or more
   */
  compare?: GateCompareOptions | undefined
}

/** A scenario on both sides; null if a side lacks it. */
export interface GateEntry {
  name: string
  file: string
  base: GateScenario | null
  head: GateScenario | null
}

export interface GateProgress {
  /** completed part of the gate, from 0 to 1 */
  fraction: number
  name: string
  doing: string
}

export interface GateOptions {
  /** options that replace those of every scenario */
  compare?: GateCompareOptions | undefined
  signal?: AbortSignal | undefined
  /** Reports progress. Returning false ends the gate early, with the outcomes so far. */
  onProgress(progress: GateProgress): boolean
}

/** The smallest default number of pairs. With measured rounds of 0.5 s these are about half a minute per scenario. */
export const ROUNDS = 24
/** The default number of pairs of all scenarios together: five of them take about three minutes. */
const ROUNDS_OF_GATE = 5 * ROUNDS
/** The largest default number of pairs, as in `compare`. With it, unchanged code passes in almost every gate. */
const MOST_ROUNDS = 40
/** The longest run of head to check its budget. */
const BUDGET_RUN = { simulate: { requests: 2_000_000 }, measure: { duration: '10s' } } as const
/** The fraction of a scenario's progress at which each part starts. */
const PARTS = { compare: 0, budget: 0.85 }

/** Compares the scenarios of base and head one after the other, and checks the budgets of head. */
export async function compareScenarios(entries: readonly GateEntry[], options: GateOptions): Promise<GateOutcome[]> {
  const compared = entries.filter(({ base, head }) => base !== null && head !== null).length
  const outcomes: GateOutcome[] = []
  let ended = false
  for (const [i, entry] of entries.entries()) {
    const onProgress = (progress: GateProgress) => {
      ended ||= !options.onProgress({ ...progress, fraction: (i + progress.fraction) / entries.length })
      return !ended
    }
    const single = { ...options, onProgress, compared, isEnded: () => ended }
    outcomes.push(ended ? { ...outcomeBefore(entry), ...interruptedOutcome } : await runScenario(entry, single))
  }
  return outcomes
}

const outcomeBefore = ({ name, file, base, head }: GateEntry): GateOutcome =>
  emptyOutcome(name, file, base === null ? 'head' : head === null ? 'base' : 'both')

/** The outcome of a scenario or task before it has run. */
export const emptyOutcome = (name: string, file: string, in_: GateOutcome['in']): GateOutcome => ({
  ...{ name, file, in: in_, verdict: 'pass' },
  ...(in_ === 'head' && { reason: 'only in head: nothing to compare with' }),
  ...(in_ === 'base' && { reason: 'only in base: removed or renamed' }),
  ...{ comparison: null, confirmation: null, detectable: null, budget: null },
})

/** The names of scenarios or tasks, each with its file if several have the same. */
export function uniqueNames(all: readonly { name: string; file: string }[]): string[] {
  const names = all.map(({ name }) => name)
  return all.map(({ name, file }) => (names.indexOf(name) === names.lastIndexOf(name) ? name : `${name} (${file})`))
}

/** What the outcome is if the gate ended before a scenario ran. */
export const interruptedOutcome = { verdict: 'inconclusive', reason: 'not run: the gate was interrupted' } as const

interface SingleOptions extends GateOptions {
  /** number of scenarios that the gate compares: with several, a slower head is confirmed with a second comparison */
  compared: number
  isEnded(): boolean
}

async function runScenario(entry: GateEntry, options: SingleOptions): Promise<GateOutcome> {
  const { name, base, head } = entry
  const outcome = outcomeBefore(entry)
  if (head === null) return outcome
  try {
    if (base !== null) Object.assign(outcome, await compareSides(name, base, head, options))
  } catch (error) {
    if (options.isEnded()) return { ...outcomeBefore(entry), ...interruptedOutcome }
    return { ...outcome, ...describeFailure(error) }
  }
  if (head.budget === undefined || options.isEnded()) return outcome
  try {
    outcome.budget = await checkHeadBudget(name, head, options)
  } catch (error) {
    if (options.isEnded()) return outcome
    const failed = describeFailure(error)
    // the comparison has already reported that head fails
    return outcome.verdict === 'fail' ? outcome : { ...outcome, ...failed }
  }
  if (outcome.budget !== null) outcome.verdict = worseOf(outcome.verdict, outcome.budget.verdict)
  return outcome
}

/** Describes why a scenario cannot run. Rethrows errors that have another cause. */
function describeFailure(error: unknown): Pick<GateOutcome, 'verdict' | 'reason'> {
  if (error instanceof MeasureError || error instanceof ValidationError) {
    return { verdict: 'failed', reason: messageOf(error) }
  }
  throw error
}

const SEVERITY: readonly GateVerdict[] = ['pass', 'inconclusive', 'fail', 'failed']
const worseOf = (a: GateVerdict, b: GateVerdict) => (SEVERITY.indexOf(a) > SEVERITY.indexOf(b) ? a : b)

export const VERDICTS = { same: 'pass', faster: 'pass', slower: 'fail', inconclusive: 'inconclusive' } as const

/** The default number of pairs of each scenario of a gate, whose time is divided among all. */
export function defaultRounds(scenarios: number): number {
  return Math.min(MOST_ROUNDS, Math.max(ROUNDS, Math.floor(ROUNDS_OF_GATE / scenarios)))
}

async function compareSides(
  name: string,
  base: GateScenario,
  head: GateScenario,
  options: SingleOptions,
): Promise<Partial<GateOutcome>> {
  const { signal, onProgress, compared, isEnded } = options
  const compareOptions = {
    rounds: defaultRounds(compared),
    ...base.compare,
    ...head.compare,
    ...dropUndefined(options.compare),
  }
  const sides = { base: toScenario(base), head: toScenario(head) }
  const run = (from: number, to: number, what: string, scenarios = sides) =>
    compare(scenarios, {
      ...compareOptions,
      signal,
      onProgress: ({ fraction, done, total }) =>
        onProgress({ name, fraction: from + (to - from) * fraction, doing: `${what}, pair ${done + 1} of ${total}` }),
    })
  const comparison = await run(PARTS.compare, PARTS.budget, 'base and head')
  const detectable = estimateDetectable(comparison)
  const verdict = VERDICTS[comparison.verdict]
  if (verdict !== 'fail' || compared === 1 || isEnded()) return { comparison, detectable, verdict }
  const others = { base: shiftSeed(sides.base), head: shiftSeed(sides.head) }
  const confirmation = await run(PARTS.budget, PARTS.budget, 'base and head again', others)
  return { comparison, confirmation, detectable, ...judgeConfirmation(confirmation) }
}

/**
 * One comparison in 100 may wrongly find head slower, so a gate with many scenarios would often fail. Two comparisons of
 * the same scenario are both wrong once in 10,000.
 */
export function judgeConfirmation({ verdict }: Comparison): Pick<GateOutcome, 'verdict' | 'reason'> {
  if (verdict === 'slower') return { verdict: 'fail' }
  return { verdict: 'inconclusive', reason: `slower at first, but ${verdict} in a second comparison` }
}

async function checkHeadBudget(name: string, head: GateScenario, options: SingleOptions): Promise<BudgetCheck | null> {
  const budget = head.budget as Budget
  const scenario = toScenario(head)
  const engine = options.compare?.engine ?? head.compare?.engine ?? (hasTarget(scenario) ? 'measure' : 'simulate')
  const stop = endsByItself(scenario.arrivals) ? undefined : { budget, atMost: BUDGET_RUN[engine] }
  const run = { ...scenario, stop } as Scenario
  const report = (fraction: number) =>
    options.onProgress({ name, fraction: PARTS.budget + (1 - PARTS.budget) * fraction, doing: 'budget of head' })
  report(0)
  if (engine === 'simulate') return checkBudget(simulate(run), budget)
  // loaded on first use: simulations do not need it
  const { measure } = await import('../measure/measure.js')
  const result = await measure(run, { signal: options.signal, onProgress: ({ fraction }) => report(fraction) })
  return options.isEnded() ? null : checkBudget(result, budget)
}

function toScenario({ budget: _, compare: __, ...scenario }: GateScenario): Scenario {
  return scenario as Scenario
}

/** Changes the seed beyond those of the first comparison, which has at most 1,000 pairs. */
const shiftSeed = (scenario: Scenario): Scenario => ({ ...scenario, seed: (scenario.seed ?? 1) + 1000 })

/** Drops undefined options, so that they replace nothing. */
function dropUndefined(options: GateCompareOptions = {}): GateCompareOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

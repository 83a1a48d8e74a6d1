import { z } from 'zod'
import { comparePairs, figuresOf } from '../budget/compare-pairs.js'
import { type Comparison, type JudgeOptions, judgeShape, overall, type Pair, type Side } from '../budget/comparison.js'
import { real } from '../clock/real.js'
import { knobs, type MeasureOptions, type MeasureProgress } from '../measure/options.js'
import { stream } from '../random/stream.js'
import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { ScenarioError, show, throwFaults } from '../scenario/error.js'
import { abortSignal, throwIfAborted } from '../scenario/realm.js'
import { normalise, type Scenario } from '../scenario/scenario.js'
import { TARGETS } from '../scenario/target.js'
import { options, whole } from '../scenario/units.js'
import { simulate } from '../simulate/simulate.js'

/**
 * Two scenarios, and what both have: `{ arrivals: '200/s', base: { handler: now }, head: { handler: next } }`. A side's
 * own field takes the place of the same one of both.
 */
export type Compared = Partial<Scenario> & { base: Partial<Scenario>; head: Partial<Scenario> }

export interface CompareProgress {
  /** pairs of rounds that are over */
  done: number
  total: number
  /** what is run now */
  side: Side
  /** how much is done, from 0 to 1 */
  share: number
}

export interface CompareOptions
  extends JudgeOptions,
    Pick<MeasureOptions, 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'> {
  /** How many pairs of rounds, from 2 to 1,000. Default 40: fewer than 8 tell nothing. */
  rounds?: number | undefined
  /** Default: measure where a side has a target (`handler`, `call` or `http`), else simulate. */
  engine?: 'simulate' | 'measure' | undefined
  /** Ends the runs; `compare` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Called some ten times a second. Returning false ends the comparison after the round at hand: it is of the pairs that
   * are over, and says `interrupted`.
   */
  onProgress?: ((progress: CompareProgress) => unknown) | undefined
}

const schema = options({
  ...judgeShape,
  rounds: whole(2, 1000).default(40),
  engine: z.enum(['simulate', 'measure'], { error: "must be 'simulate' or 'measure'" }).optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<CompareOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
  ...knobs,
})

const SIDES = ['base', 'head'] as const
/** One round, where the scenario does not say how long: short, so that the machine is the same for both of a pair. */
const STOP = { simulate: { requests: 10_000 }, measure: { duration: '500ms' } } as const

/**
 * Compares two scenarios in one run: pairs of short rounds, one of each side, in which both face the very same
 * requests; from pair to pair these are others (the first pair has the scenario's seed, the next ones those after it).
 * Which of the two goes first is drawn by lot, so that nothing that the machine does can favour one of them for long.
 *
 * Each metric is compared by the ratios of the pairs, with a 99 % interval. The verdict is that of one metric, `of`, and
 * of the error rate: where nothing has changed, it is `slower` in at most one of 100 comparisons.
 *
 * @throws ScenarioError where a scenario or an option cannot be run, naming the side
 * @throws MeasureError where a target cannot run, or in a round no request completed
 * @throws ScenarioError where it is ended before its first pair is over
 */
export async function compare(compared: Compared, given: CompareOptions = {}): Promise<Comparison> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'options', given)
  const { of, within, rounds, signal, onProgress, engine: engineGiven, ...measuring } = asked.data
  const scenarios = sidesOf(compared)
  const hasTarget = SIDES.some((side) => TARGETS.some((target) => scenarios[side][target] !== undefined))
  const engine = engineGiven ?? (hasTarget ? 'measure' : 'simulate')
  const seeds = SIDES.map((side) => checked(scenarios[side], side, engine).seed) as [number, number]
  const [seed] = seeds
  if (seeds[1] !== seed) {
    throw new ScenarioError(
      'head.seed',
      `must be that of base, ${seed}, so that both face the same requests, got ${seeds[1]}`,
    )
  }
  // what measures is loaded by those who measure
  const measure = engine === 'measure' ? (await import('../measure/measure.js')).measure : null
  const run = async (side: Side, pair: number, tell: (share: number) => void): Promise<Result> => {
    const scenario = { ...roundOf(scenarios[side], engine), seed: seed + pair }
    if (measure === null) return simulate(scenario)
    const onProgress = ({ share }: MeasureProgress) => tell(share)
    return measure(scenario, { ...measuring, signal, onProgress })
  }

  const order = stream(seed, 'order of rounds')
  const pairs: Pair[] = []
  let last: Record<Side, Result> | null = null
  let ended = false
  for (let pair = 0; pair < rounds && !ended; pair++) {
    const first: Side = order.uniform() < 0.5 ? 'base' : 'head'
    const results: Partial<Record<Side, Result>> = {}
    for (const [i, side] of (first === 'base' ? SIDES : SIDES.toReversed()).entries()) {
      throwIfAborted(signal)
      // the round itself goes on to its end: half a round would be no round
      const tell = (share: number) => {
        const progress = { done: pair, total: rounds, side, share: (pair + (i + share) / 2) / rounds }
        ended ||= onProgress?.(progress) === false
      }
      if (!ended) tell(0)
      if (ended) break
      results[side] = await run(side, pair, tell)
      await new Promise((resolve) => real.setImmediate(resolve))
    }
    const { base, head } = results
    // and half a pair no pair
    if (base === undefined || head === undefined) break
    last = { base, head }
    pairs.push({ seed: seed + pair, first, base: figuresOf(base), head: figuresOf(head) })
  }
  if (last === null) {
    throw new ScenarioError('compare', 'was ended before its first pair of rounds was over: there is nothing to report')
  }
  const { base, head } = last
  const { metrics, findings } = comparePairs(pairs, within)
  return {
    schema: 'throughline/comparison@1',
    engine,
    design: 'paired',
    of,
    within,
    ...overall(metrics, of),
    metrics,
    base: sideOf(base, seed),
    head: sideOf(head, seed),
    pairs,
    findings: [...interrupted(pairs.length, rounds), ...findings, ...requestsDiffer(base, head)],
  }
}

/** The scenario of each side, what both have filled in. */
function sidesOf(compared: Compared): Record<Side, Scenario> {
  if (typeof compared !== 'object' || compared === null) {
    throw new ScenarioError('compare', `must be given { base, head }, two scenarios, got ${show(compared)}`)
  }
  const { base, head, ...both } = compared
  for (const [side, own] of [
    ['base', base],
    ['head', head],
  ] as const) {
    if (typeof own !== 'object' || own === null || Array.isArray(own)) {
      throw new ScenarioError(
        side,
        `must be a scenario, or what it has of its own, such as { handler: './next.ts' }, got ${show(own)}`,
      )
    }
  }
  return { base: { ...both, ...base } as Scenario, head: { ...both, ...head } as Scenario }
}

function checked(scenario: Scenario, side: Side, engine: 'simulate' | 'measure') {
  try {
    const normal = normalise(roundOf(scenario, engine), engine)
    const { stop } = normal
    if (!('requests' in stop || 'duration' in stop)) {
      throw new ScenarioError(
        'stop',
        `must be { requests } or { duration }, as long for both, got ${show(scenario.stop)}`,
      )
    }
    return normal
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error
    const message = error.path === '' ? error.message : error.message.slice(error.path.length + 2)
    throw new ScenarioError([side, error.path].filter((part) => part !== '').join('.'), message, { cause: error })
  }
}

/** A side's scenario for one round. Arrivals that end of themselves are run to their end. */
function roundOf(scenario: Scenario, engine: 'simulate' | 'measure'): Scenario {
  const { arrivals, stop } = scenario
  const ends = typeof arrivals === 'object' && (arrivals?.process === 'replay' || arrivals?.process === 'stages')
  return stop === undefined && !ends ? { ...scenario, stop: STOP[engine] } : scenario
}

/** A side as its rounds were, with the seed of the first of them. */
function sideOf({ scenario, environment }: Result, seed: number): Comparison['base'] {
  return { scenario: scenario && { ...scenario, seed }, environment }
}

/** When it was ended had nothing to do with what was found: what there is of it holds. */
function interrupted(pairs: number, rounds: number): Finding[] {
  if (pairs === rounds) return []
  return [
    {
      code: 'interrupted',
      severity: 'warning',
      message: `the comparison was interrupted after ${pairs} of ${rounds} pairs`,
      figures: { pairs, rounds },
    },
  ]
}

/** The same seed is not the same requests where the loads are not the same. */
function requestsDiffer({ scenario: base }: Result, { scenario: head }: Result): Finding[] {
  const fields = (['arrivals', 'stop', 'warmup'] as const).filter(
    (field) => JSON.stringify(base?.[field]) !== JSON.stringify(head?.[field]),
  )
  if (fields.length === 0) return []
  return [
    {
      code: 'requests-differ',
      severity: 'warning',
      message: `base and head do not face the same requests: they differ in ${fields.join(' and ')}`,
      figures: {},
    },
  ]
}

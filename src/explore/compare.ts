import { randomInt } from 'node:crypto'
import { z } from 'zod'
import { isCheckpoint } from '../budget/checkpoints.js'
import { comparePairs } from '../budget/compare-pairs.js'
import {
  type Comparison,
  DESIGNS,
  type Design,
  differing,
  type JudgeOptions,
  judgeShape,
  overall,
  type Pair,
  type Side,
} from '../budget/comparison.js'
import { noiseFloor } from '../budget/noise-floor.js'
import { cores } from '../machine/cores.js'
import { type MeasureOptions, sharedOptions } from '../measure/options.js'
import { stream } from '../random/stream.js'
import type { Finding } from '../result/validity.js'
import { type ResolvedScenario, resolveScenario, type Scenario } from '../scenario/scenario.js'
import { TARGETS } from '../scenario/target.js'
import { options, whole } from '../scenario/units.js'
import { sum } from '../statistics/descriptive.js'
import { abortSignal } from '../validation/realm.js'
import { show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { measureRound, ofSide, type Ran, type RunRound, runPair, simulateRound } from './rounds.js'

/**
 * Two scenarios, and what both have: `{ arrivals: '200/s', base: { handler: now }, head: { handler: next } }`. A side's
 * own field takes the place of the same one of both. `head` may be left out if base is compared with itself.
 */
export type Compared = Partial<Scenario> & { base: Partial<Scenario>; head?: Partial<Scenario> }

export interface CompareProgress {
  /** pairs of rounds that are over */
  done: number
  /** the most that there may be: the comparison ends as soon as they decide */
  total: number
  /** what runs now */
  side: Side | 'both'
  /** how much is done, from 0 to 1 */
  fraction: number
}

export interface CompareOptions
  extends JudgeOptions,
    Pick<MeasureOptions, 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'> {
  /** How many pairs of rounds at most, from 2 to 1,000. Default 40: fewer than 4 decide nothing. */
  rounds?: number | undefined
  /**
   * How the two rounds of a pair are run: `alternating`, one after the other, or `duet`, at the same moment, which
   * takes half the time and cores for both. Default: alternating, as whatever shares a core disturbs both.
   */
  design?: Design | undefined
  /** Compare base with itself, in all the rounds, and say how small a difference this machine can show. Default false. */
  null?: boolean | undefined
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
  design: z.enum(DESIGNS, { error: "must be 'alternating' or 'duet'" }).optional(),
  null: z.boolean({ error: 'must be true or false' }).default(false),
  engine: z.enum(['simulate', 'measure'], { error: "must be 'simulate' or 'measure'" }).optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<CompareOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
  ...sharedOptions,
})

const SIDES = ['base', 'head'] as const
/** One round, where the scenario does not say how long: short, so that the machine is the same for both of a pair. */
const STOP = { simulate: { requests: 10_000 }, measure: { duration: '500ms' } } as const

/**
 * Compares two scenarios in one run: pairs of short rounds, one of each side, in which both face the very same
 * requests; from pair to pair these are others (the first pair has the scenario's seed, the next ones those after it).
 * Which of the two goes first is drawn by lot, so that nothing that the machine does can favour one of them for long.
 *
 * Each metric is compared by the ratios of the pairs, with a 99 % interval. The comparison is examined after 4 to 10
 * pairs, and again whenever there are 1.4 times as many; it ends as soon as the verdict is clear. The verdict is that of
 * one metric, `of`, and of the error rate: if nothing has changed, it is `slower` in at most one of 100 comparisons.
 *
 * @example
 * const comparison = await compare({ arrivals: '500/s', base: { service: '1ms' }, head: { service: '1.2ms' } })
 * comparison.verdict // 'slower', after 4 to 10 pairs
 *
 * @throws ValidationError if a scenario or an option cannot be run, naming the side
 * @throws MeasureError if a target cannot run, naming the side, or nothing of base completes in the first round
 * @throws ValidationError if it is ended before its first pair is over
 */
export async function compare(compared: Compared, given: CompareOptions = {}): Promise<Comparison> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'options', given)
  const { of, within, rounds, signal, onProgress, engine: engineGiven, design: designGiven, ...rest } = asked.data
  const { null: isNull, ...measuring } = rest
  const scenarios = sidesOf(compared, isNull)
  const hasTarget = SIDES.some((side) => TARGETS.some((target) => scenarios[side][target] !== undefined))
  const engine = engineGiven ?? (hasTarget ? 'measure' : 'simulate')
  const resolved = { base: checked(scenarios.base, 'base', engine), head: checked(scenarios.head, 'head', engine) }
  const { seed } = resolved.base
  if (resolved.head.seed !== seed) {
    throw new ValidationError(
      'head.seed',
      `must be that of base, ${seed}, so that both face the same requests, got ${resolved.head.seed}`,
    )
  }
  const design = designGiven ?? 'alternating'
  if (design === 'duet') checkDuet(resolved, engine)
  const run: RunRound =
    engine === 'simulate'
      ? async ({ side, pair }) => simulateRound({ ...roundOf(scenarios[side], engine), seed: seed + pair })
      : ({ side, pair, report, ending }) =>
          measureRound(
            { ...resolved[side], seed: seed + pair },
            { ...measuring, signal: ending, onProgress: ({ fraction }) => void report(fraction) },
          )

  // on a real clock nothing comes out twice, and one order for all comparisons would favour the same side in all of them
  const order = stream(engine === 'simulate' ? seed : randomInt(2 ** 32), 'order of rounds')
  const pairs: Pair[] = []
  let last: Record<Side, Ran> | null = null
  let ended = false
  const judged = () => {
    if (last === null) throw nothingOver()
    const { metrics, findings } = comparePairs(pairs, { within, rounds })
    const [base, head] = [sideOf(last.base, seed), sideOf(last.head, seed)]
    return { of, metrics, base, head, findings }
  }
  for (let pair = 0; pair < rounds; pair++) {
    const first: Side = order.uniform() < 0.5 ? 'base' : 'head'
    const report = (side: CompareProgress['side'], fraction: number) => {
      ended ||= onProgress?.({ done: pair, total: rounds, side, fraction: (pair + fraction) / rounds }) === false
      return !ended
    }
    const ran = await runPair(design, { run, pair, first, report, signal })
    // half a pair is no pair
    if (ran === null) break
    last = ran
    const { base, head } = ran
    // a base that never works is a mistake in it, which more rounds would not show better
    if (pair === 0 && base.failure !== null) throw ofSide('base', base.failure)
    pairs.push({ seed: seed + pair, first, base: base.round, head: head.round })
    if (ended) break
    if (!isNull && isCheckpoint(pairs.length, rounds) && overall(judged()).verdict !== 'inconclusive') break
  }
  const { metrics, base, head, findings } = judged()
  const { by: _, ...verdict } = overall({ of, metrics, base, head })
  const over = pairs.length === rounds || (!isNull && !ended)
  return {
    schema: 'throughline/comparison@1',
    engine,
    design,
    null: isNull,
    rounds,
    of,
    within,
    ...verdict,
    metrics,
    base,
    head,
    pairs,
    findings: [
      ...(over ? [] : [interrupted(pairs.length, rounds)]),
      ...(isNull ? [noiseFloor(pairs, metrics, of)] : []),
      ...findings,
      ...requestsDiffer(base, head),
    ],
  }
}

/** The scenario of each side, what both have filled in. */
function sidesOf(compared: Compared, isNull: boolean): Record<Side, Scenario> {
  if (typeof compared !== 'object' || compared === null) {
    throw new ValidationError('compare', `must be given { base, head }, two scenarios, got ${show(compared)}`)
  }
  const { base, head: other, ...both } = compared
  const head = isNull ? base : other
  for (const [side, own] of [
    ['base', base],
    ['head', head],
  ] as const) {
    if (typeof own !== 'object' || own === null || Array.isArray(own)) {
      throw new ValidationError(
        side,
        `must be a scenario, or what it has of its own, such as { handler: './next.ts' }, got ${show(own)}`,
      )
    }
  }
  return { base: { ...both, ...base } as Scenario, head: { ...both, ...head } as Scenario }
}

function checked(scenario: Scenario, side: Side, engine: 'simulate' | 'measure'): ResolvedScenario {
  try {
    const resolved = resolveScenario(roundOf(scenario, engine), engine)
    const { stop } = resolved
    if (!('requests' in stop || 'duration' in stop)) {
      throw new ValidationError(
        'stop',
        `must be { requests } or { duration }, as long for both, got ${show(scenario.stop)}`,
      )
    }
    return resolved
  } catch (error) {
    throw ofSide(side, error)
  }
}

/** In virtual time there is no moment to fraction; cores that are shared make each disturb the other. */
function checkDuet(resolved: Record<Side, ResolvedScenario>, engine: 'simulate' | 'measure'): void {
  if (engine === 'simulate') {
    throw new ValidationError(
      'options.design',
      "must be 'alternating' where both are simulated: nothing else is running there that a duet could cancel",
    )
  }
  if (SIDES.every((side) => typeof resolved[side].handler !== 'string')) {
    throw new ValidationError(
      'options.design',
      "must be 'alternating' if both targets run in this process: they share its event loop, and each would delay the other",
    )
  }
  const threads = SIDES.map((side) => (typeof resolved[side].handler === 'string' ? (resolved[side].servers ?? 1) : 1))
  const needed = sum(threads)
  const there = cores()
  if (needed <= there) return
  throw new ValidationError(
    'options.design',
    `must be 'alternating' here: a duet of these runs ${needed} threads at once, and there are ${there === 1 ? '1 core' : `${there} cores`}`,
  )
}

/** A side's scenario for one round. Arrivals that end of themselves are run to their end. */
function roundOf(scenario: Scenario, engine: 'simulate' | 'measure'): Scenario {
  const { arrivals, stop } = scenario
  const ends = typeof arrivals === 'object' && (arrivals?.process === 'replay' || arrivals?.process === 'stages')
  return stop === undefined && !ends ? { ...scenario, stop: STOP[engine] } : scenario
}

/** A side as its rounds were, with the seed of the first of them. */
function sideOf({ side: { scenario, environment } }: Ran, seed: number): Comparison['base'] {
  return { scenario: scenario && { ...scenario, seed }, environment }
}

function nothingOver(): ValidationError {
  return new ValidationError(
    'compare',
    'was ended before its first pair of rounds was over: there is nothing to report',
  )
}

/** When it was ended had nothing to do with what was found: what there is of it holds. */
function interrupted(pairs: number, rounds: number): Finding {
  return {
    code: 'interrupted',
    severity: 'warning',
    message: `the comparison was interrupted after ${pairs} of ${rounds} pairs`,
    figures: { pairs, rounds },
  }
}

/** The same seed is not the same requests where the loads are not the same. */
function requestsDiffer(base: Comparison['base'], head: Comparison['head']): Finding[] {
  const fields = differing(base, head, ['arrivals', 'stop', 'warmup'])
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

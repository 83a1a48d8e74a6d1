import { randomInt } from 'node:crypto'
import { z } from 'zod'
import { isCheckpoint } from '../budget/comparison/checkpoints.js'
import { comparePairs } from '../budget/comparison/compare-pairs.js'
import {
  type Comparison,
  DESIGNS,
  type Design,
  differingFields,
  type JudgeOptions,
  judgeShape,
  overallVerdict,
  type Pair,
  refuseGoodput,
  type Side,
} from '../budget/comparison/comparison.js'
import { cores } from '../machine/cores.js'
import { type MeasureOptions, sharedOptions } from '../measure/options.js'
import { stream } from '../random/stream.js'
import type { Finding } from '../result/validity.js'
import { endsByItself } from '../scenario/arrivals/arrivals.js'
import { type ResolvedScenario, resolveScenario, type Scenario, type ScenarioParts } from '../scenario/scenario.js'
import { hasTarget, type Target } from '../scenario/target.js'
import { abortSignal, options, whole } from '../scenario/units.js'
import { sum } from '../statistics/descriptive.js'
import { show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { concludePairs } from './conclude-pairs.js'
import { measureRound, type RoundRun, type RunRound, runPair, SIDES, simulateRound, withSide } from './rounds.js'

/**
 * Two scenarios with common fields: `{ arrivals: '200/s', base: { handler: now }, head: { handler: next } }`. The fields of
 * a side override the common ones. `head` can be omitted to compare base with itself (`null: true`).
 */
export type Compared = PartialScenario & { base: PartialScenario; head?: PartialScenario }

type PartialScenario = Partial<ScenarioParts> & Target

/** The progress of `compare`. */
export interface CompareProgress {
  /** completed pairs of rounds */
  done: number
  /** the maximum number of pairs; the comparison ends early if the verdict is clear */
  total: number
  /** the side that runs now */
  side: Side | 'both'
  /** how much is done, from 0 to 1 */
  fraction: number
}

/** Options of `compare`. */
export interface CompareOptions
  extends JudgeOptions,
    Pick<MeasureOptions, 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'> {
  /**
   * The maximum number of pairs of rounds, from 2 to 1,000. Fewer than 4 are always inconclusive.
   *
   * @default 40
   */
  rounds?: number | undefined
  /**
   * How to run the two rounds of a pair: `alternating`, one after the other, or `duet`, at the same time, which takes half
   * the time but needs cores for both: rounds that share a core disturb each other.
   *
   * @default 'alternating'
   */
  design?: Design | undefined
  /**
   * Compares base with itself, in all rounds, and reports the smallest difference that this machine can show.
   *
   * @default false
   */
  null?: boolean | undefined
  /**
   * Whether to simulate or to measure.
   *
   * @default 'measure' if a side has a target (`handler`, `call` or `http`), else 'simulate'
   */
  engine?: 'simulate' | 'measure' | undefined
  /**
   * Stops the runs; `compare` rejects with the signal's reason.
   *
   * @default it cannot be aborted
   */
  signal?: AbortSignal | undefined
  /**
   * Called about ten times a second. Return false to stop after the current round; the comparison then covers the
   * completed pairs and has the finding `interrupted`.
   *
   * @default no progress is reported
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

/** The default length of a round: short, so that the machine's speed hardly changes within a pair. */
const STOP = { simulate: { requests: 10_000 }, measure: { duration: '500ms' } } as const

/**
 * Compares two scenarios in pairs of short rounds, one of each side. Both sides of a pair get the same requests; each
 * pair has another seed (the first has the scenario's, the next ones count up). The order within a pair is random, so
 * that a drift of the machine's speed does not favour one side.
 *
 * Each metric is compared by the ratios of the pairs, with a 99 % interval. Checkpoints are after 4 to 10 pairs, and then
 * whenever there are 1.4 times as many; the comparison ends as soon as the verdict is clear. The verdict is that of one
 * metric, `of`, and of the error rate. If nothing has changed, at most one comparison in 100 says `slower`.
 *
 * @example
 * const comparison = await compare({ arrivals: '500/s', base: { service: '1ms' }, head: { service: '1.2ms' } })
 * comparison.verdict // 'slower', after 4 to 10 pairs
 *
 * @throws ValidationError if a scenario (with its side) or an option is invalid, or the comparison is stopped before its
 * first pair completes
 * @throws MeasureError if a target cannot run (with its side), or no request of base completes in the first round
 */
export async function compare(compared: Compared, given: CompareOptions = {}): Promise<Comparison> {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { of, within, rounds, signal, onProgress, engine: engineGiven, design: designGiven, ...rest } = parsed.data
  const { null: isNull, ...measuring } = rest
  const scenarios = sidesOf(compared, isNull)
  const engine = engineGiven ?? (SIDES.some((side) => hasTarget(scenarios[side])) ? 'measure' : 'simulate')
  const resolved = { base: resolveSide(scenarios, 'base', engine), head: resolveSide(scenarios, 'head', engine) }
  if (JSON.stringify(resolved.base.good) !== JSON.stringify(resolved.head.good)) {
    throw new ValidationError('head.good', 'must be that of base, so that both are judged by the same limits')
  }
  refuseGoodput(
    'options.of',
    of,
    SIDES.every((side) => resolved[side].good !== undefined),
  )
  const { seed } = resolved.base
  if (resolved.head.seed !== seed) {
    throw new ValidationError(
      'head.seed',
      `must be that of base, ${seed}, so that both get the same requests, got ${resolved.head.seed}`,
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

  // measurements are not reproducible anyway, and the same order in every comparison would always favour the same side
  const order = stream(engine === 'simulate' ? seed : randomInt(2 ** 32), 'order of rounds')
  const pairs: Pair[] = []
  let last: Record<Side, RoundRun> | null = null
  let ended = false
  const sides = () => {
    if (last === null) throw nothingToReport()
    return { base: sideOf(last.base, seed), head: sideOf(last.head, seed) }
  }
  const judge = () => ({ of, ...comparePairs(pairs, { within, rounds }), ...sides() })
  for (let pair = 0; pair < rounds; pair++) {
    const first: Side = order.uniform() < 0.5 ? 'base' : 'head'
    const report = (side: CompareProgress['side'], fraction: number) => {
      ended ||= onProgress?.({ done: pair, total: rounds, side, fraction: (pair + fraction) / rounds }) === false
      return !ended
    }
    const ran = await runPair(design, { run, pair, first, report, signal })
    // an incomplete pair does not count
    if (ran === null) break
    last = ran
    const { base, head } = ran
    // a base that always fails is misconfigured; more rounds would not change that
    if (pair === 0 && base.failure !== null) throw withSide('base', base.failure)
    pairs.push({ seed: seed + pair, first, base: base.round, head: head.round })
    if (ended) break
    if (!isNull && isCheckpoint(pairs.length, rounds) && overallVerdict(judge()).verdict !== 'inconclusive') break
  }
  const { base, head } = sides()
  const comparison = concludePairs(pairs, { engine, design, isNull, rounds, of, within, base, head, ended })
  return { ...comparison, findings: [...comparison.findings, ...requestsDiffer(base, head)] }
}

/** The scenario of each side, with the common fields filled in. */
function sidesOf(compared: Compared, isNull: boolean): Record<Side, Scenario> {
  if (typeof compared !== 'object' || compared === null) {
    throw new ValidationError('compare', `must be two scenarios, { base, head }, got ${show(compared)}`)
  }
  const { base, head: other, ...both } = compared
  const misplaced = Object.keys(both).find((key) => Object.hasOwn(schema.shape, key))
  if (misplaced !== undefined) {
    throw new ValidationError(
      misplaced,
      `is an option, not a field of a scenario; give it in the second argument: compare({ base, head }, { ${misplaced} })`,
    )
  }
  const head = isNull ? base : other
  for (const [side, own] of [
    ['base', base],
    ['head', head],
  ] as const) {
    if (typeof own !== 'object' || own === null || Array.isArray(own)) {
      throw new ValidationError(
        side,
        `must be a scenario, or the fields in which it differs, such as { handler: './next.ts' }, got ${show(own)}`,
      )
    }
  }
  return { base: { ...both, ...base } as Scenario, head: { ...both, ...head } as Scenario }
}

function resolveSide(scenarios: Record<Side, Scenario>, side: Side, engine: 'simulate' | 'measure'): ResolvedScenario {
  const scenario = scenarios[side]
  try {
    const resolved = resolveScenario(roundOf(scenario, engine), engine)
    const { stop } = resolved
    if (!('requests' in stop || 'duration' in stop)) {
      throw new ValidationError(
        'stop',
        `must be { requests } or { duration }, so that all rounds are equally long, got ${show(scenario.stop)}`,
      )
    }
    return resolved
  } catch (error) {
    throw withSide(side, error)
  }
}

/** Refuses a duet in virtual time, where rounds share no moment, and without a core for each thread. */
function checkDuet(resolved: Record<Side, ResolvedScenario>, engine: 'simulate' | 'measure'): void {
  if (engine === 'simulate') {
    throw new ValidationError(
      'options.design',
      "must be 'alternating' to simulate; in virtual time there are no disturbances that a duet could cancel out",
    )
  }
  if (SIDES.every((side) => typeof resolved[side].handler !== 'string')) {
    throw new ValidationError(
      'options.design',
      "must be 'alternating' if both targets run in this process; on one event loop, each would delay the other",
    )
  }
  const threads = SIDES.map((side) => (typeof resolved[side].handler === 'string' ? (resolved[side].servers ?? 1) : 1))
  const needed = sum(threads)
  const available = cores()
  if (needed <= available) return
  throw new ValidationError(
    'options.design',
    `must be 'alternating' here; a duet needs ${needed} cores, one for each thread, but this process has ${available}`,
  )
}

/** The scenario of a side for one round. Finite arrivals run to their end. */
function roundOf(scenario: Scenario, engine: 'simulate' | 'measure'): Scenario {
  const { arrivals, stop } = scenario
  return stop === undefined && !endsByItself(arrivals) ? { ...scenario, stop: STOP[engine] } : scenario
}

/** A side as it ran, with the seed of its first round. */
function sideOf({ side: { scenario, environment } }: RoundRun, seed: number): Comparison['base'] {
  return { scenario: scenario && { ...scenario, seed }, environment }
}

function nothingToReport(): ValidationError {
  return new ValidationError(
    'compare',
    'was stopped before its first pair of rounds completed; there is nothing to report',
  )
}

/** Warns if the loads differ: the same seed then does not give the same requests. */
function requestsDiffer(base: Comparison['base'], head: Comparison['head']): Finding[] {
  const fields = differingFields(base, head, ['arrivals', 'stop', 'warmup'])
  if (fields.length === 0) return []
  return [
    {
      code: 'requests-differ',
      severity: 'warning',
      message: `base and head do not get the same requests: they differ in ${fields.join(' and ')}`,
      figures: {},
    },
  ]
}

import { buildEmptyRound, buildRound } from '../budget/comparison/compare-pairs.js'
import type { ComparedSide, Design, Round, Side } from '../budget/comparison/comparison.js'
import { real } from '../clock/real.js'
import { onAbort } from '../handler/on-abort.js'
import { MeasureError, nothingCompleted } from '../measure/error.js'
import type { MeasureOptions } from '../measure/options.js'
import { errorsIn } from '../result/recording.js'
import { resultOf } from '../result/result.js'
import { type ResolvedScenario, type Scenario, storeScenario } from '../scenario/scenario.js'
import { simulate } from '../simulate/simulate.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'

/** A round that was run, with the figures that a comparison stores. */
export interface RoundRun {
  round: Round
  side: ComparedSide
  /** why no request completed; null if one did */
  failure: MeasureError | null
}

/** A function that runs a round of one side. */
export type RunRound = (given: {
  side: Side
  pair: number
  /** reports how much of the round is done, from 0 to 1 */
  report(fraction: number): void
  ending: AbortSignal | undefined
}) => Promise<RoundRun>

/** The arguments of a pair of rounds. */
export interface PairRun {
  run: RunRound
  pair: number
  /** the side that starts first */
  first: Side
  /** reports how much of the pair is done; returns false to stop the comparison */
  report(side: Side | 'both', fraction: number): boolean
  signal: AbortSignal | undefined
}

export const SIDES = ['base', 'head'] as const

/**
 * Runs the two rounds of a pair. A round that has started runs to its end, since an incomplete round is useless.
 *
 * @returns null if the comparison was stopped before the second round started
 */
export function runPair(design: Design, pair: PairRun): Promise<Record<Side, RoundRun> | null> {
  return design === 'duet' ? runTogether(pair) : runInTurn(pair)
}

async function runInTurn({ run, pair, first, report, signal }: PairRun): Promise<Record<Side, RoundRun> | null> {
  const ran: Partial<Record<Side, RoundRun>> = {}
  for (const [i, side] of (first === 'base' ? SIDES : SIDES.toReversed()).entries()) {
    throwIfAborted(signal)
    if (!report(side, i / 2)) return null
    try {
      ran[side] = await run({ side, pair, report: (fraction) => report(side, (i + fraction) / 2), ending: signal })
    } catch (error) {
      throw withSide(side, error)
    }
    await new Promise((resolve) => real.setImmediate(resolve))
  }
  return ran as Record<Side, RoundRun>
}

async function runTogether({ run, pair, first, report, signal }: PairRun): Promise<Record<Side, RoundRun> | null> {
  throwIfAborted(signal)
  if (!report('both', 0)) return null
  const fractions: Record<Side, number> = { base: 0, head: 0 }
  // a failure of one side stops the other
  const failed = new AbortController()
  const removeListener = signal && onAbort(signal, () => failed.abort(signal.reason))
  const start = async (side: Side): Promise<[Side, RoundRun] | null> => {
    try {
      const reportFraction = (fraction: number) => {
        fractions[side] = fraction
        report('both', Math.min(fractions.base, fractions.head))
      }
      return [side, await run({ side, pair, report: reportFraction, ending: failed.signal })]
    } catch (error) {
      failed.abort(withSide(side, error))
      return null
    }
  }
  const ran = await Promise.all((first === 'base' ? SIDES : SIDES.toReversed()).map(start))
  removeListener?.()
  failed.signal.throwIfAborted()
  return Object.fromEntries(ran as [Side, RoundRun][]) as Record<Side, RoundRun>
}

/** Runs a round in virtual time. */
export function simulateRound(scenario: Scenario): RoundRun {
  const result = simulate(scenario)
  return { round: buildRound(result), side: result, failure: null }
}

/** Runs a round on the real clock. A round in which every request failed counts too. */
export async function measureRound(scenario: ResolvedScenario, options: MeasureOptions): Promise<RoundRun> {
  // loaded on first use, as simulating does not need it
  const { runMeasurement } = await import('../measure/run.js')
  const { recording, environment, host, failure } = await runMeasurement(scenario, options)
  const { counts } = recording
  const side = { scenario: storeScenario(scenario), environment }
  if (counts.completed > 0) {
    const result = resultOf(recording, environment, host)
    const unknown = result.validity.findings.find(({ code }) => code === 'goodput-unknown')
    if (unknown !== undefined) throw new MeasureError(unknown.message)
    return { round: buildRound(result), side, failure: null }
  }
  const error = nothingCompleted(scenario, counts, failure)
  if (counts.offered === 0) throw error
  const errors = recording.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)
  return {
    round: buildEmptyRound(errorsIn(counts) / counts.offered, errors, scenario.good !== undefined),
    side,
    failure: error,
  }
}

/** Adds the side to an error's message. */
export function withSide(side: Side, error: unknown): unknown {
  if (error instanceof ValidationError) {
    const message = error.path === '' ? error.message : error.message.slice(error.path.length + 2)
    return new ValidationError([side, error.path].filter((part) => part !== '').join('.'), message, { cause: error })
  }
  return error instanceof MeasureError
    ? new MeasureError(`${side}: ${error.message}`, { cause: error.cause ?? error })
    : error
}

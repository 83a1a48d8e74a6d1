import { buildEmptyRound, buildRound } from '../budget/compare-pairs.js'
import type { ComparedSide, Design, Round, Side } from '../budget/comparison.js'
import { real } from '../clock/real.js'
import { onAbort } from '../handler/on-abort.js'
import { MeasureError } from '../measure/error.js'
import type { MeasureOptions } from '../measure/options.js'
import { errorsIn } from '../result/recording.js'
import { resultOf } from '../result/result.js'
import { type ResolvedScenario, type Scenario, storeScenario } from '../scenario/scenario.js'
import { targetName } from '../scenario/target.js'
import { simulate } from '../simulate/simulate.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'

/** A round of one side, with what a comparison keeps of it. */
export interface Ran {
  round: Round
  side: ComparedSide
  /** why nothing completed */
  failure: MeasureError | null
}

/** Runs a round of one side. */
export type RunRound = (given: {
  side: Side
  pair: number
  /** how much of it is done, from 0 to 1 */
  report(fraction: number): void
  ending: AbortSignal | undefined
}) => Promise<Ran>

/** What a pair is run with. */
export interface PairRun {
  run: RunRound
  pair: number
  /** which of the two is started first */
  first: Side
  /** Reports how much of the pair is done; false if the comparison is to end. */
  report(side: Side | 'both', fraction: number): boolean
  signal: AbortSignal | undefined
}

const SIDES = ['base', 'head'] as const

/**
 * Runs the two rounds of a pair; null if it was ended before the last of them began. A round that has begun runs to its
 * end, as half a round would be no round.
 */
export function runPair(design: Design, pair: PairRun): Promise<Record<Side, Ran> | null> {
  return design === 'duet' ? runTogether(pair) : runInTurn(pair)
}

async function runInTurn({ run, pair, first, report, signal }: PairRun): Promise<Record<Side, Ran> | null> {
  const ran: Partial<Record<Side, Ran>> = {}
  for (const [i, side] of (first === 'base' ? SIDES : SIDES.toReversed()).entries()) {
    throwIfAborted(signal)
    if (!report(side, i / 2)) return null
    try {
      ran[side] = await run({ side, pair, report: (fraction) => report(side, (i + fraction) / 2), ending: signal })
    } catch (error) {
      throw ofSide(side, error)
    }
    await new Promise((resolve) => real.setImmediate(resolve))
  }
  return ran as Record<Side, Ran>
}

async function runTogether({ run, pair, first, report, signal }: PairRun): Promise<Record<Side, Ran> | null> {
  throwIfAborted(signal)
  if (!report('both', 0)) return null
  const fractions: Record<Side, number> = { base: 0, head: 0 }
  // one that fails ends the other
  const failed = new AbortController()
  const ignore = signal && onAbort(signal, () => failed.abort(signal.reason))
  const start = async (side: Side): Promise<[Side, Ran] | null> => {
    try {
      const reportFraction = (fraction: number) => {
        fractions[side] = fraction
        report('both', Math.min(fractions.base, fractions.head))
      }
      return [side, await run({ side, pair, report: reportFraction, ending: failed.signal })]
    } catch (error) {
      failed.abort(ofSide(side, error))
      return null
    }
  }
  const ran = await Promise.all((first === 'base' ? SIDES : SIDES.toReversed()).map(start))
  ignore?.()
  failed.signal.throwIfAborted()
  return Object.fromEntries(ran as [Side, Ran][]) as Record<Side, Ran>
}

/** A round in virtual time. */
export function simulateRound(scenario: Scenario): Ran {
  const result = simulate(scenario)
  return { round: buildRound(result), side: result, failure: null }
}

/** A round on the real clock. One in which every request failed is a round all the same. */
export async function measureRound(scenario: ResolvedScenario, options: MeasureOptions): Promise<Ran> {
  // loaded on first use, as simulations need none of it
  const { runMeasurement } = await import('../measure/run.js')
  const { recording, environment, host, failure } = await runMeasurement(scenario, options)
  const { counts } = recording
  const side = { scenario: storeScenario(scenario), environment }
  if (counts.completed > 0) {
    return { round: buildRound(resultOf(recording, environment, host)), side, failure: null }
  }
  const name = targetName(scenario)
  if (counts.offered === 0) throw new MeasureError(`${name}: no request was due in the window; run for longer`)
  const errors = recording.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)
  const first = failure === null ? '' : `; the first failure: ${failure.message}`
  return {
    round: buildEmptyRound(errorsIn(counts) / counts.offered, errors),
    side,
    failure: new MeasureError(
      `${name}: no request that was due in the window completed: ${JSON.stringify(counts)}${first}`,
      failure === null ? {} : { cause: failure },
    ),
  }
}

/** Says which side an error is of. */
export function ofSide(side: Side, error: unknown): unknown {
  if (error instanceof ValidationError) {
    const message = error.path === '' ? error.message : error.message.slice(error.path.length + 2)
    return new ValidationError([side, error.path].filter((part) => part !== '').join('.'), message, { cause: error })
  }
  return error instanceof MeasureError
    ? new MeasureError(`${side}: ${error.message}`, { cause: error.cause ?? error })
    : error
}

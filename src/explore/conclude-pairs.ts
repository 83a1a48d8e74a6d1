import { comparePairs } from '../budget/comparison/compare-pairs.js'
import { type Comparison, overallVerdict, type Pair } from '../budget/comparison/comparison.js'
import { noiseFloor } from '../budget/comparison/noise-floor.js'
import type { Finding } from '../result/validity.js'

/** What was compared, and how. */
export interface ComparedPairs extends Pick<Comparison, 'engine' | 'rounds' | 'of' | 'within' | 'base' | 'head'> {
  design: Exclude<Comparison['design'], 'unpaired'>
  /** base was compared with itself */
  isNull: boolean
  /** the comparison was ended before all of its pairs had run */
  ended: boolean
}

/** Builds the comparison of pairs of rounds: its figures and verdict follow from the pairs. */
export function concludePairs(
  pairs: readonly Pair[],
  { engine, design, isNull, rounds, of, within, base, head, ended }: ComparedPairs,
): Comparison {
  const { metrics, findings } = comparePairs(pairs, { within, rounds })
  const { by: _, ...verdict } = overallVerdict({ of, metrics, base, head })
  const isComplete = pairs.length === rounds || (!isNull && !ended)
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
    pairs: [...pairs],
    findings: [
      ...(isComplete ? [] : [interruptedFinding(pairs.length, rounds)]),
      ...(isNull ? [noiseFloor(pairs, metrics, of)] : []),
      ...findings,
    ],
  }
}

/** Only a warning: the time of the interruption does not depend on the results, so the completed pairs are valid. */
function interruptedFinding(pairs: number, rounds: number): Finding {
  return {
    code: 'interrupted',
    severity: 'warning',
    message: `the comparison was interrupted after ${pairs} of ${rounds} pairs`,
    figures: { pairs, rounds },
  }
}

import { isCheckpoint } from '../../src/budget/comparison/checkpoints.js'
import { comparePairs } from '../../src/budget/comparison/compare-pairs.js'
import {
  type ComparedMetric,
  type Comparison,
  type ComparisonVerdict,
  overallVerdict,
  type Pair,
} from '../../src/budget/comparison/comparison.js'

/** How a comparison ended. */
export interface Judged {
  verdict: ComparisonVerdict
  pairs: number
}

/** Judges pairs as `compare` does: at the first checkpoint that decides. */
export function judgePairs(
  pairs: readonly Pair[],
  rounds: number,
  of: ComparedMetric,
  { base, head }: Pick<Comparison, 'base' | 'head'>,
): Judged {
  for (let n = 1; ; n++) {
    if (!isCheckpoint(n, rounds)) continue
    const { metrics } = comparePairs(pairs.slice(0, n), { within: 0.05, rounds })
    const { verdict } = overallVerdict({ of, metrics, base, head })
    if (verdict !== 'inconclusive' || n === rounds) return { verdict, pairs: n }
  }
}

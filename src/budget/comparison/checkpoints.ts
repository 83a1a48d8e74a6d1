/**
 * A comparison is examined after some of its pairs, and ends at the first of these checkpoints that decides. Each
 * checkpoint has its own probability of error; all together err with at most the sum of these (Bonferroni's inequality,
 * which holds for dependent checkpoints too). For 40 pairs, on each side:
 *
 *     after      4 to 9     10         14         20         28         40 pairs
 *     chance     0.005 %    0.098 %    0.039 %    0.039 %    0.039 %    0.18 %      together 0.4 %
 *
 * The verdict rests on at most two ratios, and on errors, which have half of these probabilities: it reports identical
 * code as slower in at most 1 of 100 comparisons.
 */
export const TOTAL_TAIL = 0.004
/** The least probability that an interval covers the true value. */
export const LEVEL = 0.99

/**
 * Ratio for the checkpoints before there are enough pairs for ranks: two rounds of the same code differ by more than this
 * in at most 1 of 6 pairs. So all of n pairs differ by more, in the same direction, with a probability of at most
 * (1/6 x 1/2)^n; the sum of these from n = 4 on is `BEFORE_RANKS`.
 */
export const EARLY_RATIO = 3
/** The same for the difference of two error rates. */
export const EARLY_DIFFERENCE = 0.25
export const MIN_PAIRS = 4
const BEFORE_RANKS = 0.000053

/** All of ten pairs point in one given direction by chance once in 1,024. */
const FIRST = 10
const FIRST_TAIL = 2 ** -FIRST
const GROWTH = Math.SQRT2
/** Probability reserved for the last checkpoint: large enough that examining a comparison early costs little power. */
const LAST_TAIL = 0.0018

/** Numbers of pairs after which ranks are examined, without the last checkpoint. */
function earlyCheckpoints(rounds: number): number[] {
  const checkpoints: number[] = []
  let pairs = FIRST
  for (let next = pairs; next <= rounds; pairs = next) {
    next = Math.round(pairs * GROWTH)
    if (next <= rounds) checkpoints.push(pairs)
  }
  return checkpoints
}

/** Whether a comparison of this many rounds is examined after these pairs. */
export function isCheckpoint(pairs: number, rounds: number): boolean {
  return pairs === rounds || (pairs >= MIN_PAIRS && pairs < FIRST) || earlyCheckpoints(rounds).includes(pairs)
}

/**
 * The probability that the interval by ranks misses the true value on either side, after this many of the planned pairs; 0
 * before ranks are examined. A number of pairs that is not a checkpoint is the end of an interrupted comparison.
 */
export function tailAt(pairs: number, rounds: number): number {
  if (pairs < FIRST && pairs !== rounds) return 0
  const early = earlyCheckpoints(rounds)
  const isEarly = early.includes(pairs)
  if (isEarly && pairs === FIRST) return FIRST_TAIL
  const ranks = TOTAL_TAIL - BEFORE_RANKS - (early.length > 0 ? FIRST_TAIL : 0)
  if (early.length < 2) return ranks
  return isEarly ? (ranks - LAST_TAIL) / (early.length - 1) : LAST_TAIL
}

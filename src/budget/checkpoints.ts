/**
 * A comparison is examined after some of its pairs, and ends at the first of these checkpoints that decides. Each of
 * them may be wrong by a chance of its own; together they are wrong no more often than these chances add up to
 * (Bonferroni's inequality, whatever the checkpoints have in common). Of 40 pairs, each way:
 *
 *     after      4 to 9     10         14         20         28         40 pairs
 *     chance     0.005 %    0.098 %    0.039 %    0.039 %    0.039 %    0.18 %      together 0.4 %
 *
 * The verdict rests on two ratios at most, and on errors, which have half of these chances: it calls what is the same
 * slower once in a hundred comparisons at most.
 */
export const TOTAL_TAIL = 0.004
/** How often each interval holds, at least. */
export const LEVEL = 0.99

/**
 * Before there are pairs enough for ranks: two rounds of the same code are further apart than this in at most one pair
 * of six. So n pairs of it are all further apart, and in the same direction, by a chance of at most (1/6 x 1/2)^n,
 * which from n = 4 on adds up to `BEFORE_RANKS`.
 */
export const EARLY_RATIO = 3
/** The same of the difference of two error rates. */
export const EARLY_DIFFERENCE = 0.25
export const MIN_PAIRS = 4
const BEFORE_RANKS = 0.000053

/** Ten pairs all point in one direction by chance once in 1,024. */
const FIRST = 10
const FIRST_TAIL = 2 ** -FIRST
const GROWTH = Math.SQRT2
/** What is left for the end: enough that examining a comparison early costs it little power. */
const LAST_TAIL = 0.0018

/** After how many pairs ranks are examined, short of the last. */
function earlyCheckpoints(rounds: number): number[] {
  const checkpoints: number[] = []
  let pairs = FIRST
  for (let next = pairs; next <= rounds; pairs = next) {
    next = Math.round(pairs * GROWTH)
    if (next <= rounds) checkpoints.push(pairs)
  }
  return checkpoints
}

/** Whether a comparison of so many rounds is examined after these pairs. */
export function isCheckpoint(pairs: number, rounds: number): boolean {
  return pairs === rounds || (pairs >= MIN_PAIRS && pairs < FIRST) || earlyCheckpoints(rounds).includes(pairs)
}

/**
 * By which chance the interval by ranks may miss the true value on either side, after these pairs of so many planned; 0
 * where ranks are not looked at yet. What is no checkpoint is the end of a comparison that was interrupted.
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

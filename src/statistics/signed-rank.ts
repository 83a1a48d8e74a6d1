/** Where the differences of pairs lie; a bound that so few pairs cannot tell is null. */
export interface Location {
  /** the Hodges-Lehmann estimate: the median of all means of two differences */
  middle: number
  low: number | null
  high: number | null
}

/** Beyond, the normal approximation of the signed-rank statistic is as good as exact. */
const EXACT_UP_TO = 100

/**
 * The middle of the differences of pairs, with the interval of Wilcoxon's signed-rank test turned round: the means of
 * all two differences (Walsh averages), sorted, and cut where the test begins to reject (Hollander and Wolfe,
 * Nonparametric Statistical Methods, 3.1 to 3.3). It takes the differences as independent and as likely to lie as far
 * above their middle as below it, which those of exchangeable pairs do, and nothing else of their law: what one pair
 * in ten shows may be any distance off. A difference may be infinite.
 *
 * @param level how often the interval is to hold the true middle, at least: 0.99
 */
export function signedRank(differences: readonly number[], level: number): Location {
  const n = differences.length
  if (n === 0) throw new RangeError('there must be a pair to tell of')
  const means: number[] = []
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) means.push(meanOf(differences[i] as number, differences[j] as number))
  }
  const sorted = Float64Array.from(means).sort()
  const at = (i: number) => sorted[i] as number
  const last = sorted.length - 1
  const middle = meanOf(at(Math.floor(last / 2)), at(Math.ceil(last / 2)))
  const cut = cutOf(n, (1 - level) / 2)
  if (cut === null) return { middle, low: null, high: null }
  return { middle, low: at(cut), high: at(last - cut) }
}

/** So many pairs an interval of this level takes at the least. */
export function fewestPairs(level: number): number {
  return Math.ceil(-Math.log2((1 - level) / 2))
}

/** Infinitely far either way tells nothing either way. */
const meanOf = (a: number, b: number) => (a === -b ? 0 : (a + b) / 2)

/**
 * The largest rank sum that is reached or fallen short of with at most this probability; null where even 0 is likelier.
 */
function cutOf(n: number, tail: number): number | null {
  if (2 ** -n > tail) return null
  const most = (n * (n + 1)) / 2
  if (n > EXACT_UP_TO) {
    const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24)
    return Math.floor(most / 2 - normalQuantile(tail) * deviation - 0.5)
  }
  const chances = rankSums(n)
  let sum = 0
  for (let rank = 0; rank <= most; rank++) {
    sum += chances[rank] as number
    if (sum > tail) return rank - 1
  }
  return most
}

/** How likely each sum of ranks is where every rank of 1 to n is in it or not by the toss of a coin. */
function rankSums(n: number): Float64Array {
  const chances = new Float64Array((n * (n + 1)) / 2 + 1)
  chances[0] = 1
  let reached = 0
  for (let rank = 1; rank <= n; rank++) {
    reached += rank
    for (let sum = reached; sum >= 0; sum--) {
      chances[sum] = ((chances[sum] as number) + (sum >= rank ? (chances[sum - rank] as number) : 0)) / 2
    }
  }
  return chances
}

/**
 * How many standard deviations below the mean this fraction of a normal distribution lies, to four digits (Abramowitz and
 * Stegun 26.2.23).
 */
function normalQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
}

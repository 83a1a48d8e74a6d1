/** The location of paired differences. A bound is null if there are too few pairs for one. */
export interface Location {
  /** the Hodges-Lehmann estimate: the median of all means of two differences */
  middle: number
  low: number | null
  high: number | null
}

/** With more pairs, the normal approximation of the signed-rank statistic is practically exact. */
const EXACT_UP_TO = 100

/**
 * Estimates the middle of paired differences, with an interval that inverts Wilcoxon's signed-rank test: it sorts the
 * means of all pairs of differences (Walsh averages) and cuts off those at which the test rejects (Hollander and Wolfe,
 * Nonparametric Statistical Methods, 3.1 to 3.3). It assumes that the differences are independent and symmetric about
 * their middle, as differences of exchangeable pairs are, and nothing else about their distribution: one outlier in ten
 * may be arbitrarily far off. Differences may be infinite.
 *
 * @param level the least probability that the interval contains the true middle, such as 0.99
 */
export function signedRank(differences: readonly number[], level: number): Location {
  const n = differences.length
  if (n === 0) throw new RangeError('signedRank needs at least one difference')
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

/** The minimum number of pairs for an interval of this level. */
export function fewestPairs(level: number): number {
  return Math.ceil(-Math.log2((1 - level) / 2))
}

/** The mean of two differences; 0 for opposite infinities, which cancel out. */
const meanOf = (a: number, b: number) => (a === -b ? 0 : (a + b) / 2)

/** The largest rank sum r with P(sum <= r) <= tail; null if even a sum of 0 is more likely. */
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

/** The distribution of the signed-rank statistic: the probability of each sum if each rank from 1 to n is in it or not by a fair coin. */
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

/** The upper quantile of the standard normal distribution, to four digits (Abramowitz and Stegun 26.2.23). */
function normalQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
}

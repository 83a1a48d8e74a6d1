/** A change of the mean of a series. */
export interface ChangePoint {
  /** index of the first value after the change */
  at: number
  /** fraction of random orders with a change at least as large */
  p: number
}

export interface ChangePointOptions {
  /** largest p of a reported change */
  level: number
  /** number of random orders to compare each change with */
  permutations: number
  /** draws a uniform random number from [0, 1) */
  uniform: () => number
}

/** The fewest values on each side of a change. */
const SHORTEST = 3

/**
 * Finds the change points of a series by E-divisive means (Matteson and James, Journal of the American Statistical
 * Association 109, 2014), as used for performance tests over commits (Daly and others, ICPE 2020). It assumes no distribution.
 * It splits the series where the energy distance between both sides is largest. The split is a change if values in random
 * order rarely have as large a distance. Each part is then split in the same way, until no more change is found.
 */
export function findChangePoints(values: readonly number[], options: ChangePointOptions): ChangePoint[] {
  const { level, permutations, uniform } = options
  const found: ChangePoint[] = []
  for (;;) {
    const ends = [0, ...found.map(({ at }) => at).sort((a, b) => a - b), values.length]
    const parts = ends.slice(1).map((end, i) => ({ start: ends[i] as number, part: values.slice(ends[i], end) }))
    const best = findLargestSplit(parts)
    if (best === null) break
    let asLarge = 0
    for (let i = 0; i < permutations; i++) {
      const shuffled = parts.map(({ start, part }) => ({ start, part: shuffle(part, uniform) }))
      if ((findLargestSplit(shuffled)?.distance ?? 0) >= best.distance) asLarge++
    }
    const p = (asLarge + 1) / (permutations + 1)
    if (p > level) break
    found.push({ at: best.at, p })
  }
  return found.sort((a, b) => a.at - b.at)
}

/** Finds the split with the largest distance among all parts. */
function findLargestSplit(
  parts: readonly { start: number; part: readonly number[] }[],
): { at: number; distance: number } | null {
  let best: { at: number; distance: number } | null = null
  for (const { start, part } of parts) {
    const split = findBestSplit(part)
    if (split !== null && (best === null || split.distance > best.distance)) {
      best = { at: start + split.at, distance: split.distance }
    }
  }
  return best
}

/**
 * Finds the split of a part with the largest scaled energy distance, m n / (m + n) times (2 E|X - Y| - E|X - X'| - E|Y - Y'|),
 * with means over pairs of different values. Moving a value from the right side to the left only changes its own distances,
 * so that all splits together take one step for each pair of values.
 */
function findBestSplit(values: readonly number[]): { at: number; distance: number } | null {
  const count = values.length
  if (count < 2 * SHORTEST) return null
  const distancesTo = (value: number, from: number, to: number) => {
    let sum = 0
    for (let i = from; i < to; i++) sum += Math.abs((values[i] as number) - value)
    return sum
  }
  let within = [0, 0] as [number, number]
  for (let i = 1; i < count; i++) within[1] += distancesTo(values[i] as number, 0, i)
  let between = 0
  let best: { at: number; distance: number } | null = null
  for (let at = 1; at <= count - SHORTEST; at++) {
    const moved = values[at - 1] as number
    const [left, right] = [distancesTo(moved, 0, at - 1), distancesTo(moved, at, count)]
    within = [within[0] + left, within[1] - right]
    between += right - left
    if (at < SHORTEST) continue
    const [m, n] = [at, count - at]
    const energy = (2 * between) / (m * n) - (2 * within[0]) / (m * (m - 1)) - (2 * within[1]) / (n * (n - 1))
    const distance = ((m * n) / (m + n)) * energy
    if (best === null || distance > best.distance) best = { at, distance }
  }
  return best
}

/** Shuffles values (Fisher and Yates). */
function shuffle(values: readonly number[], uniform: () => number): number[] {
  const shuffled = [...values]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1))
    ;[shuffled[i], shuffled[j]] = [shuffled[j] as number, shuffled[i] as number]
  }
  return shuffled
}

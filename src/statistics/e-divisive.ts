/** Where a series changes, and how sure that is. */
export interface ChangePoint {
  /** the first value after the change */
  at: number
  /** how often values in random order show as large a change */
  p: number
}

export interface EDivisiveOptions {
  /** a change is reported if its p is at most this */
  level: number
  /** how many random orders each change is held against */
  permutations: number
  /** draws from 0 up to 1 */
  uniform: () => number
}

/** So few values have a spread of their own. */
const SHORTEST = 3

/**
 * The change points of a series by E-divisive means (Matteson and James, Journal of the American Statistical Association
 * 109, 2014), as it is used for performance tests over commits (Daly and others, ICPE 2020). It assumes no distribution.
 * A part of the series is split where the energy distance between both sides is largest; the split is a change if values
 * in random order are rarely as far apart. Then the parts are split in turn, as long as there is a change.
 */
export function changePoints(values: readonly number[], options: EDivisiveOptions): ChangePoint[] {
  const { level, permutations, uniform } = options
  const found: ChangePoint[] = []
  for (;;) {
    const ends = [0, ...found.map(({ at }) => at).sort((a, b) => a - b), values.length]
    const parts = ends.slice(1).map((end, i) => ({ start: ends[i] as number, part: values.slice(ends[i], end) }))
    const best = largest(parts)
    if (best === null) break
    let asLarge = 0
    for (let i = 0; i < permutations; i++) {
      const shuffled = parts.map(({ start, part }) => ({ start, part: shuffle(part, uniform) }))
      if ((largest(shuffled)?.distance ?? 0) >= best.distance) asLarge++
    }
    const p = (asLarge + 1) / (permutations + 1)
    if (p > level) break
    found.push({ at: best.at, p })
  }
  return found.sort((a, b) => a.at - b.at)
}

/** The split of any part that sets its sides furthest apart. */
function largest(
  parts: readonly { start: number; part: readonly number[] }[],
): { at: number; distance: number } | null {
  let best: { at: number; distance: number } | null = null
  for (const { start, part } of parts) {
    const split = bestSplit(part)
    if (split !== null && (best === null || split.distance > best.distance)) {
      best = { at: start + split.at, distance: split.distance }
    }
  }
  return best
}

/**
 * The split of a part with the largest scaled energy distance, m n / (m + n) times (2 E|X - Y| - E|X - X'| - E|Y - Y'|),
 * with means over pairs of different values. A value that moves from the right side to the left takes its distances
 * along, so that all splits together take as many steps as there are pairs.
 */
function bestSplit(values: readonly number[]): { at: number; distance: number } | null {
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

/** In random order (Fisher and Yates). */
function shuffle(values: readonly number[], uniform: () => number): number[] {
  const shuffled = [...values]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1))
    ;[shuffled[i], shuffled[j]] = [shuffled[j] as number, shuffled[i] as number]
  }
  return shuffled
}

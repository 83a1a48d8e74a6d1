import { COMPARED, type ComparedMetric, type Pair, type Round } from '../../../src/budget/comparison/comparison.js'
import { stream } from '../../../src/random/stream.js'

/** A round in which every time has this value; the longer it is, the fewer requests are good. No figure in `pairs` is null. */
export interface FullRound extends Round {
  figures: Record<ComparedMetric, number>
}
export interface FullPair extends Pair {
  base: FullRound
  head: FullRound
}

export function round(
  ms: number,
  given: Partial<FullRound['figures']> & { invalid?: Round['invalid'] } = {},
): FullRound {
  const { invalid = [], ...figures } = given
  const times = Object.fromEntries(COMPARED.map((metric) => [metric, ms])) as Record<ComparedMetric, number>
  return { figures: { ...times, throughput: 200, errorRate: 0, goodput: Math.exp(-ms / 100), ...figures }, invalid }
}

/** Pairs of rounds on a machine with a random speed in each round: head takes `times` as long as base. */
export function pairs(n: number, times: number, given: { seed?: number; noise?: number } = {}): FullPair[] {
  const { seed = 1, noise = 0.05 } = given
  const random = stream(seed, 'speed')
  const speed = () => 1 + noise * (2 * random.uniform() - 1)
  return Array.from({ length: n }, (_, i) => ({
    seed: i,
    first: random.uniform() < 0.5 ? 'base' : 'head',
    base: round(10 * speed()),
    head: round(10 * times * speed()),
  }))
}

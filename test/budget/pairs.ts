import { COMPARED, type ComparedMetric, type Pair, type Round } from '../../src/budget/comparison.js'
import { stream } from '../../src/random/stream.js'

/** A round in which everything takes so long. */
export function round(ms: number, given: Partial<Round['figures']> & { invalid?: Round['invalid'] } = {}): Round {
  const { invalid = [], ...figures } = given
  const times = Object.fromEntries(COMPARED.map((metric) => [metric, ms])) as Record<ComparedMetric, number>
  return { figures: { ...times, throughput: 200, errorRate: 0, ...figures }, invalid }
}

/** Rounds of a machine whose speed is drawn anew for each, in pairs: head takes so many times as long as base. */
export function pairs(n: number, times: number, given: { seed?: number; noise?: number } = {}): Pair[] {
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

// How often `compare` is right where the machine changes its speed under it: the tables of docs/compare.md.
//
//   npx tsx bench/compare.ts --loads 0 --runs 10000           the machine alone, without a queue: a minute or two
//   npx tsx bench/compare.ts --loads 30,50 --runs 200         with one: ten minutes
//   npx tsx bench/compare.ts --loads 0 --order abba           in turns of a fixed order, A B B A, instead of by lot
//   npx tsx bench/compare.ts --real 5                         busy work on the real clock instead, as often as said

import { parseArgs } from 'node:util'
import { comparePairs } from '../src/budget/compare-pairs.js'
import {
  COMPARED,
  type ComparedMetric,
  type ComparisonVerdict,
  overall,
  type Pair,
  type Round,
} from '../src/budget/comparison.js'
import { compare } from '../src/explore/compare.js'
import type { Random } from '../src/random/random.js'
import { stream } from '../src/random/stream.js'
import { findingsOf } from '../src/result/findings.js'
import type { Recording } from '../src/result/recording.js'
import { tallyPercentileNs } from '../src/result/summary.js'
import { normalise } from '../src/scenario/scenario.js'
import { affine } from '../src/scenario/service.js'
import { NS_PER_MS, NS_PER_SECOND } from '../src/scenario/units.js'
import { lognormal } from '../src/scenario/variation.js'
import { Engine } from '../src/simulate/engine.js'

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    pairs: { type: 'string', default: '40' },
    of: { type: 'string', default: 'mean' },
    requests: { type: 'string', default: '500' },
    loads: { type: 'string', default: '0,30,50' },
    order: { type: 'string', default: 'lot' },
    real: { type: 'string' },
  },
})
const runs = Number(given.runs)
const count = Number(given.pairs)
const requests = Number(given.requests)
const of = given.of as ComparedMetric
/** How much slower a slow machine is, as it was found on shared virtual cores. */
const SLOW = 0.6
const Z = 1.959964
/** of service times */
const CV = 0.5

/**
 * The machine's speed: fast or slow, each for an exponential time (in rounds). A round is slowed by the part of it that
 * the machine was slow, so that the two rounds of a pair share their speed only in part.
 */
function slowness(random: Random, meanRounds: number, rounds: number): number[] {
  const slow = new Array<number>(rounds).fill(0)
  let isSlow = random.uniform() < 0.5
  for (let from = 0; from < rounds; ) {
    const to = Math.min(rounds, from - Math.log(random.positive()) * meanRounds)
    if (isSlow) {
      for (let r = Math.floor(from); r < to; r++)
        slow[r] = (slow[r] as number) + Math.min(to, r + 1) - Math.max(from, r)
    }
    isSlow = !isSlow
    from = to
  }
  return slow.map((part) => 1 + SLOW * part)
}

interface Ran {
  round: Round
  /** of the metric compared, as if each request were independent of the others */
  logError: number
}

/** A round of one side, slowed by so much. At a load of 0 nobody waits, and both of a pair draw the same services. */
function run(load: number, slowed: number, seed: number): Ran {
  if (load === 0) return { round: { figures: alone(slowed), invalid: [] }, logError: CV / Math.sqrt(requests) }
  const scenario = {
    arrivals: 1000,
    service: affine({ base: load * slowed, variation: lognormal({ cv: CV }) }),
    stop: { requests },
    seed,
  }
  const recording = new Engine(normalise(scenario, 'simulate')).run()
  return { round: roundOf(recording), logError: logErrorOf(recording) }
}

const alone = (ms: number): Round['figures'] => ({
  ...{ mean: ms, p50: ms, p90: ms, p95: ms, p99: ms, 'service.mean': ms },
  throughput: 1000,
  errorRate: 0,
})

/** The figures of a Result, without making one: its histograms and intervals take most of the time. */
function roundOf(recording: Recording): Round {
  const { latency, service } = recording.tallies
  const at = (percentile: number) => tallyPercentileNs(latency, percentile) / NS_PER_MS
  return {
    figures: {
      ...{ mean: latency.mean / NS_PER_MS, p50: at(50), p90: at(90), p95: at(95), p99: at(99) },
      'service.mean': service.mean / NS_PER_MS,
      throughput: (recording.completions * NS_PER_SECOND) / (recording.endNs - recording.startNs),
      errorRate: 0,
    },
    invalid: findingsOf(recording)
      .filter(({ severity }) => severity === 'error')
      .map(({ code }) => code),
  }
}

/** The standard error of the logarithm of mean latency, of independent requests. */
function logErrorOf({ tallies: { latency } }: Recording): number {
  return latency.stdDev / latency.mean / Math.sqrt(latency.count)
}

type Judge = (pairs: Pair[], ran: { base: Ran; head: Ran }[]) => ComparisonVerdict

const ratioOf = (pair: Pair) => Math.log(pair.head.figures[of] / pair.base.figures[of])
const judges: Record<string, Judge> = {
  compare: (pairs) => overall(comparePairs(pairs, 0.05).metrics, of).verdict,
  // the first pair alone, as somebody does who runs each once: slower by more than the share that counts as the same
  'point estimates of one run each': (pairs) => {
    const ratio = Math.exp(ratioOf(pairs[0] as Pair))
    return ratio > 1.05 ? 'slower' : ratio < 1 / 1.05 ? 'faster' : 'same'
  },
  // all rounds of each put together, and every request taken for independent
  'an interval that takes requests as independent': (pairs, ran) => {
    const log = pairs.reduce((sum, pair) => sum + ratioOf(pair), 0) / pairs.length
    const variance = ran.reduce((sum, { base, head }) => sum + base.logError ** 2 + head.logError ** 2, 0)
    const margin = (Z * Math.sqrt(variance)) / pairs.length
    if (log - margin > -Math.log(1.05) && log + margin < Math.log(1.05)) return 'same'
    return log - margin > 0 ? 'slower' : log + margin < 0 ? 'faster' : 'inconclusive'
  },
}

function comparison(load: number, change: number, meanRounds: number, seed: number) {
  const name = `${load} ${meanRounds}`
  const speeds = slowness(stream(seed, `speed ${name}`), meanRounds, 2 * count)
  const order = stream(seed, `order ${name}`)
  const ran = Array.from({ length: count }, (_, i) => {
    const headFirst = given.order === 'abba' ? i % 2 === 1 : order.uniform() < 0.5
    const [first, second] = [speeds[2 * i], speeds[2 * i + 1]] as [number, number]
    const requestsOf = seed * 10_000 + i
    return {
      base: run(load, headFirst ? second : first, requestsOf),
      head: run(load, change * (headFirst ? first : second), requestsOf),
    }
  })
  const pairs = ran.map(({ base, head }, i): Pair => ({ seed: i, first: 'base', base: base.round, head: head.round }))
  return { pairs, ran }
}

const percent = (times: number) => ((100 * times) / runs).toFixed(runs < 1000 ? 1 : 2)

async function virtual(): Promise<void> {
  console.log(`${count} pairs of ${requests} requests each, ${runs} comparisons a row, the verdict of ${of}\n`)
  console.log(
    '| load | the machine changes every | judge | unchanged: slower, % | faster, % | 20 % slower: slower, % | faster, % |',
  )
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  for (const load of given.loads.split(',').map((each) => Number(each) / 100)) {
    for (const meanRounds of [0.1, 1, 3]) {
      const told = Object.keys(judges).map(() => ({ same: { slower: 0, faster: 0 }, slower: { slower: 0, faster: 0 } }))
      for (let seed = 1; seed <= runs; seed++) {
        for (const [which, change] of [
          ['same', 1],
          ['slower', 1.2],
        ] as const) {
          const { pairs, ran } = comparison(load, change, meanRounds, seed)
          Object.values(judges).forEach((judge, i) => {
            const verdict = judge(pairs, ran)
            if (verdict === 'slower' || verdict === 'faster') (told[i] as (typeof told)[number])[which][verdict]++
          })
        }
      }
      Object.keys(judges).forEach((name, i) => {
        const { same, slower } = told[i] as (typeof told)[number]
        const cells = [same.slower, same.faster, slower.slower, slower.faster].map(percent)
        console.log(`| ${100 * load} % | ${meanRounds} rounds | ${name} | ${cells.join(' | ')} |`)
      })
    }
  }
}

async function real(times: number): Promise<void> {
  const base = new URL('./busy/base.js', import.meta.url)
  const slower = new URL('./busy/a-fifth-slower.js', import.meta.url)
  console.log(
    '| head | verdict | mean latency, ratio | service, ratio | pairs left out |\n| --- | --- | --- | --- | --- |',
  )
  for (let i = 0; i < times; i++) {
    for (const [name, head] of [
      ['the same', base],
      ['20 % slower', slower],
    ] as const) {
      const comparison = await compare(
        { arrivals: '300/s', seed: 1 + 1000 * i, base: { handler: base }, head: { handler: head } },
        { rounds: count },
      )
      const text = (metric: ComparedMetric) => {
        const { ratio, interval } = comparison.metrics[COMPARED.indexOf(metric)] as (typeof comparison.metrics)[number]
        return `${ratio?.toFixed(2)} (${interval.low?.toFixed(2)} to ${interval.high?.toFixed(2)})`
      }
      const left = comparison.findings.find(({ code }) => code === 'rounds-left-out')?.figures.leftOut ?? 0
      console.log(
        `| ${name} | ${comparison.verdict} | ${text('mean')} | ${text('service.mean')} | ${left} of ${count} |`,
      )
    }
  }
}

if (given.real === undefined) await virtual()
else await real(Number(given.real))

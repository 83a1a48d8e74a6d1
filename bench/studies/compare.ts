// Measures how often `compare` is right on a machine with changing speed: the tables of docs/validation/comparing.md.
//
//   npx tsx bench/studies/compare.ts --loads 0 --runs 10000           the machine alone, without a queue: a minute or two
//   npx tsx bench/studies/compare.ts --loads 30,50 --runs 200         with one: ten minutes
//   npx tsx bench/studies/compare.ts --loads 0 --order abba           in a fixed order, A B B A, instead of a random one
//   npx tsx bench/studies/compare.ts --real 60 --record rounds.jsonl  2 ms of arithmetic on the real clock, against the same and
//                                                             10 % more of it, 60 comparisons of each: within the hour
//   npx tsx bench/studies/compare.ts --real 60 --design duet          the same, both sides at the same time
//   npx tsx bench/studies/compare.ts --real 1 --from 7 --record rounds.jsonl    the 8th of them alone, to measure a few at a time
//   npx tsx bench/studies/compare.ts --resample rounds.jsonl --runs 2000    the recorded comparisons, and more resampled from their pairs

import { appendFileSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compare } from '../../dist/index.js'
import {
  COMPARED,
  type ComparedMetric,
  type ComparisonVerdict,
  DESIGNS,
  type Design,
  type Pair,
  type Round,
} from '../../src/budget/comparison/comparison.js'
import { meanOf, stdDevOf } from '../../src/histogram/moments.js'
import { percentileNs } from '../../src/histogram/percentile.js'
import type { Random } from '../../src/random/random.js'
import { stream } from '../../src/random/stream.js'
import { spreadOf } from '../../src/report/spread.js'
import { findingsOf } from '../../src/result/findings.js'
import type { Recording } from '../../src/result/recording.js'
import { NS_PER_MS, NS_PER_SECOND } from '../../src/scenario/nanoseconds.js'
import { resolveScenario, storeScenario } from '../../src/scenario/scenario.js'
import { affine } from '../../src/scenario/service/service.js'
import { lognormal } from '../../src/scenario/service/variation.js'
import { Engine } from '../../src/simulate/engine.js'
import { judgePairs } from './judge-pairs.js'

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    pairs: { type: 'string', default: '40' },
    of: { type: 'string', default: 'mean' },
    requests: { type: 'string', default: '500' },
    loads: { type: 'string', default: '0,30,50' },
    order: { type: 'string', default: 'lot' },
    real: { type: 'string' },
    from: { type: 'string', default: '0' },
    design: { type: 'string', default: 'alternating' },
    record: { type: 'string' },
    resample: { type: 'string' },
  },
})
const runs = Number(given.runs)
const count = Number(given.pairs)
const requests = Number(given.requests)
const of = given.of as ComparedMetric
/** How much slower a slow machine is, as measured on shared virtual cores. */
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

/** A round of one side, slowed by a factor. At a load of 0 no request waits, and both sides draw the same services. */
function run(load: number, slowed: number, seed: number): Ran {
  if (load === 0) return { round: { figures: alone(slowed), invalid: [] }, logError: CV / Math.sqrt(requests) }
  const scenario = {
    arrivals: 1000,
    service: affine({ base: load * slowed, variation: lognormal({ cv: CV }) }),
    stop: { requests },
    seed,
  }
  const recording = new Engine(resolveScenario(scenario, 'simulate')).run()
  return { round: roundOf(recording), logError: logErrorOf(recording) }
}

const alone = (ms: number): Round['figures'] => ({
  ...{ mean: ms, p50: ms, p90: ms, p95: ms, p99: ms, 'service.mean': ms },
  throughput: 1000,
  errorRate: 0,
})

/** The figures of a Result without building one, as its histograms and intervals take most of the time. */
function roundOf(recording: Recording): Round {
  const { latency, service } = recording.histograms
  const at = (percentile: number) => percentileNs(latency, percentile) / NS_PER_MS
  return {
    figures: {
      ...{ mean: meanOf(latency) / NS_PER_MS, p50: at(50), p90: at(90), p95: at(95), p99: at(99) },
      'service.mean': meanOf(service) / NS_PER_MS,
      throughput: (recording.completions * NS_PER_SECOND) / (recording.endNs - recording.startNs),
      errorRate: 0,
    },
    invalid: findingsOf(recording)
      .filter(({ severity }) => severity === 'error')
      .map(({ code }) => code),
  }
}

/** The standard error of the logarithm of mean latency, of independent requests. */
function logErrorOf({ histograms: { latency } }: Recording): number {
  return stdDevOf(latency) / meanOf(latency) / Math.sqrt(latency.count)
}

/** Both sides have the same load, so that service time may decide. */
const LOAD = {
  scenario: storeScenario(resolveScenario({ arrivals: 1000, service: '1ms' }, 'simulate')),
  environment: null,
}
const judged = (pairs: readonly Pair[]) => judgePairs(pairs, count, of, { base: LOAD, head: LOAD })

type Judge = (pairs: Pair[], ran: { base: Ran; head: Ran }[]) => ComparisonVerdict

const ratioOf = ({ base, head }: Pair) => Math.log((head.figures[of] as number) / (base.figures[of] as number))
const judges: Record<string, Judge> = {
  compare: (pairs) => judged(pairs).verdict,
  // the first pair alone, as if each side ran once: slower by more than the fraction that counts as the same
  'point estimates of one run each': (pairs) => {
    const ratio = Math.exp(ratioOf(pairs[0] as Pair))
    return ratio > 1.05 ? 'slower' : ratio < 1 / 1.05 ? 'faster' : 'same'
  },
  // all rounds of each side merged, with every request taken as independent
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
      const tallies = Object.keys(judges).map(() => ({
        same: { slower: 0, faster: 0 },
        slower: { slower: 0, faster: 0 },
      }))
      for (let seed = 1; seed <= runs; seed++) {
        for (const [which, change] of [
          ['same', 1],
          ['slower', 1.2],
        ] as const) {
          const { pairs, ran } = comparison(load, change, meanRounds, seed)
          Object.values(judges).forEach((judge, i) => {
            const verdict = judge(pairs, ran)
            if (verdict === 'slower' || verdict === 'faster') (tallies[i] as (typeof tallies)[number])[which][verdict]++
          })
        }
      }
      Object.keys(judges).forEach((name, i) => {
        const { same, slower } = tallies[i] as (typeof tallies)[number]
        const cells = [same.slower, same.faster, slower.slower, slower.faster].map(percent)
        console.log(`| ${100 * load} % | ${meanRounds} rounds | ${name} | ${cells.join(' | ')} |`)
      })
    }
  }
}

/** A comparison on the real clock: its verdict, its rounds and its duration. */
interface Recorded {
  design: Design
  head: string
  verdict: ComparisonVerdict
  pairs: Pair[]
  ms: number
}

const HEADS = { 'the same': './busy/two-ms.js', '10 % slower': './busy/two-ms-a-tenth-slower.js' } as const

/** Runs comparisons on the real clock with seeds from `first` on, and prints a row for each and a summary. */
async function real(first: number, times: number, design: Design): Promise<void> {
  const url = (name: string) => new URL(name, import.meta.url)
  const base = url(HEADS['the same'])
  const all: Recorded[] = []
  console.log(
    '| head | verdict | pairs | seconds | mean latency, ratio | service, ratio |\n| --- | --- | --- | --- | --- | --- |',
  )
  for (let i = first; i < first + times; i++) {
    for (const [head, path] of Object.entries(HEADS)) {
      const started = performance.now()
      const comparison = await compare(
        { arrivals: '200/s', seed: 1 + 1000 * i, base: { handler: base }, head: { handler: url(path) } },
        { rounds: count, design },
      )
      const ms = performance.now() - started
      const text = (metric: ComparedMetric) => {
        const { ratio, interval } = comparison.metrics[COMPARED.indexOf(metric)] as (typeof comparison.metrics)[number]
        return `${ratio?.toFixed(2)} (${interval.low?.toFixed(2)} to ${interval.high?.toFixed(2)})`
      }
      const { verdict, pairs } = comparison
      console.log(
        `| ${head} | ${verdict} | ${pairs.length} | ${(ms / 1000).toFixed(1)} | ${text('mean')} | ${text('service.mean')} |`,
      )
      all.push({ design, head, verdict, pairs, ms })
      if (given.record !== undefined) appendFileSync(given.record, `${JSON.stringify(all.at(-1))}\n`)
    }
  }
  summarize(all)
}

/** Prints a row for each design and head: the count of each verdict, and the duration. */
function summarize(all: Recorded[]): void {
  console.log(`\n| design | head | runs | slower | faster | same | inconclusive | slower within 30 s | seconds, median |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |`)
  for (const { design, head, of } of groups(all)) {
    const times = (verdict: ComparisonVerdict) => of.filter((each) => each.verdict === verdict).length
    const within30s = of.filter(({ verdict, ms }) => verdict === 'slower' && ms <= 30_000).length
    const cells = [of.length, times('slower'), times('faster'), times('same'), times('inconclusive'), within30s]
    const { median } = spreadOf(of.map(({ ms }) => ms / 1000))
    console.log(`| ${design} | ${head} | ${cells.join(' | ')} | ${median.toFixed(1)} |`)
  }
}

const groups = (all: Recorded[]) =>
  DESIGNS.flatMap((design) =>
    Object.keys(HEADS).map((head) => ({
      ...{ design, head },
      of: all.filter((each) => each.design === design && each.head === head),
    })),
  ).filter(({ of }) => of.length > 0)

/**
 * Prints the recorded comparisons, then judges resampled ones: pairs are drawn from all recorded pairs in blocks of 5, which
 * preserve slow periods of the machine.
 */
function resample(file: string): void {
  const recorded = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line): Recorded => JSON.parse(line))
  summarize(recorded)
  const random = stream(1, 'resample')
  console.log(`
| design | head | pairs recorded | slower, % | faster, % | same, % | within 30 s: slower, % | pairs, median |
| --- | --- | --- | --- | --- | --- | --- | --- |`)
  for (const { design, head, of } of groups(recorded)) {
    const pool = of.flatMap(({ pairs }) => pairs)
    if (pool.length < BLOCK) continue
    const msPerPair = of.reduce((sum, each) => sum + each.ms, 0) / pool.length
    const verdicts: Record<ComparisonVerdict, number> = { slower: 0, faster: 0, same: 0, inconclusive: 0 }
    let within30s = 0
    const ended: number[] = []
    for (let run = 0; run < runs; run++) {
      const drawn: Pair[] = []
      while (drawn.length < count) {
        const at = Math.floor(random.uniform() * (pool.length - BLOCK + 1))
        drawn.push(...pool.slice(at, at + BLOCK))
      }
      const { verdict, pairs } = judged(drawn.slice(0, count))
      verdicts[verdict]++
      ended.push(pairs)
      if (verdict === 'slower' && pairs * msPerPair <= 30_000) within30s++
    }
    const cells = [verdicts.slower, verdicts.faster, verdicts.same, within30s].map(percent)
    console.log(`| ${design} | ${head} | ${pool.length} | ${cells.join(' | ')} | ${spreadOf(ended).median} |`)
  }
}
const BLOCK = 5

const design = given.design as Design
if (given.resample !== undefined) resample(given.resample)
else if (given.real === undefined) await virtual()
else await real(Number(given.from), Number(given.real), design)

// Measures how often the 95 % intervals of a run cover the exact values: the tables of docs/validation/intervals.md.
//
//   npx tsx bench/studies/coverage.ts                                         the main table
//   npx tsx bench/studies/coverage.ts --seeds 100 --lengths 1e4,1e5           a short one, under a minute
//   npx tsx bench/studies/coverage.ts --only batches --lengths 1e6            a part of it
//   npx tsx bench/studies/coverage.ts --others --seeds 50 --lengths 1e5       other queues
//   npx tsx bench/studies/coverage.ts --replications 8,16 --lengths 1e5       between replications
//   npx tsx bench/studies/coverage.ts --machines 3,8 --lengths 1e5             of merged results, as replications and as shards
//   npx tsx bench/studies/coverage.ts --truth                                 the reference values of the batched cases

import { parseArgs } from 'node:util'
import { bucketFloor } from '../../src/histogram/buckets.js'
import { mergeHistograms } from '../../src/histogram/latency-histogram.js'
import { meanOf } from '../../src/histogram/moments.js'
import { intervalsBetween, intervalsOf } from '../../src/result/intervals/intervals.js'
import { mergeResults } from '../../src/result/merge/merge-results.js'
import { segmentHistograms } from '../../src/result/recording.js'
import type { Estimate, Interval } from '../../src/result/summary.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { Engine } from '../../src/simulate/engine.js'
import { simulate } from '../../src/simulate/simulate.js'
import { type Case, MAIN, others } from './coverage-cases.js'

const ESTIMATED = ['mean', 'p50', 'p95', 'p99'] as const

const { values: given } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    lengths: { type: 'string', default: '1e4,3e4,1e5,3e5,1e6' },
    only: { type: 'string', default: '' },
    replications: { type: 'string', default: '' },
    machines: { type: 'string', default: '' },
    others: { type: 'boolean', default: false },
    truth: { type: 'boolean', default: false },
  },
})
const seeds = Number(given.seeds)
const lengths = given.lengths.split(',').map(Number)
const replications = given.replications.split(',').filter(Boolean).map(Number)
const machines = given.machines.split(',').filter(Boolean).map(Number)
const FIRST_SEED = 1000

/** How often there was an interval, and how often it covered the exact value. */
interface Score {
  given: number
  covered: number
  /** the sum of the half-widths, as fractions of the exact value */
  width: number
}

function run({ scenario }: Case, requests: number, seed: number, replication = 0) {
  const normal = resolveScenario({ ...scenario, stop: { requests }, seed }, 'simulate')
  return new Engine(normal, undefined, replication).run()
}

function ofOneRun(of: Case, requests: number, seed: number): Record<Estimate, Interval> {
  const recording = run(of, requests, seed)
  const segments = segmentHistograms(recording, of.metric)
  return intervalsOf(recording.histograms[of.metric], segments, recording.endNs - recording.startNs)
}

function betweenRuns(of: Case, requests: number, seed: number, times: number): Record<Estimate, Interval> {
  const histograms = Array.from({ length: times }, (_, i) => run(of, requests, seed, i).histograms[of.metric])
  return intervalsBetween(mergeHistograms(histograms), histograms)
}

const noScores = (): Record<string, Score> =>
  Object.fromEntries(ESTIMATED.map((estimate) => [estimate, { given: 0, covered: 0, width: 0 }]))

function study(of: Case, intervals: (seed: number) => Record<Estimate, Interval>): Record<string, Score> {
  const scores = noScores()
  for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) addScores(of, scores, intervals(seed))
  return scores
}

function addScores(of: Case, scores: Record<string, Score>, found: Record<Estimate, Interval>): void {
  for (const estimate of ESTIMATED) {
    const { low, high } = found[estimate]
    const exact = of.exact[estimate]
    if (low === null || high === null || exact === undefined) continue
    const score = scores[estimate] as Score
    score.given++
    if (low <= exact && exact <= high) score.covered++
    score.width += exact === 0 ? 0 : (high - low) / 2 / exact
  }
}

/** Scores the intervals of merged results, by the number of machines and how they are merged. Each serves its own requests. */
function studyMachines(of: Case, requests: number): [name: string, scores: Record<string, Score>][] {
  const merges = machines.flatMap((times) =>
    (['replications', 'shards'] as const).map((as) => ({ times, as, scores: noScores() })),
  )
  for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
    const results = Array.from({ length: Math.max(...machines) }, (_, i) =>
      simulate({ ...of.scenario, stop: { requests }, seed: 1000 * seed + i }),
    )
    for (const { times, as, scores } of merges) {
      addScores(of, scores, mergeResults(results.slice(0, times), { as }).latencyMs.intervals)
    }
  }
  return merges.map(({ times, as, scores }) => [`${times} ${as}`, scores])
}

const fraction = (part: number, of: number) => ((100 * part) / of).toFixed(1)

/** `covered % of those given (given %) ± half-width %`. */
function cell({ given, covered, width }: Score): string {
  if (given === 0) return 'none given'
  const ofGiven = given === seeds ? '' : ` of ${fraction(given, seeds)}`
  return `${fraction(covered, given)}${ofGiven} ± ${((100 * width) / given).toPrecision(2)} %`
}

function row(name: string, length: string, of: Case, scores: Record<string, Score>): void {
  const cells = ESTIMATED.map((estimate) => (of.exact[estimate] === undefined ? '' : cell(scores[estimate] as Score)))
  console.log(`| ${[name, length, ...cells].join(' | ')} |`)
}

/** Prints the distribution of a long run, with percentiles interpolated within their bucket, and its intervals. */
function printTruth(of: Case): void {
  const normal = resolveScenario({ ...of.scenario, stop: { requests: 2e8 }, seed: 20_260_101 }, 'simulate')
  const recording = new Engine(normal).run()
  const { latency } = recording.histograms
  const { buckets, counts } = latency
  const at = (p: number) => {
    let below = 0
    let i = 0
    while (below + (counts[i] as number) < p * latency.count) below += counts[i++] as number
    const bucket = buckets[i] as number
    const [from, to] = [bucketFloor(bucket), bucketFloor(bucket + 1)]
    return (from + ((p * latency.count - below) / (counts[i] as number)) * (to - from)) / 1e6
  }
  console.log(of.name, { mean: meanOf(latency) / 1e6, p50: at(0.5), p95: at(0.95), p99: at(0.99) })
  console.log(intervalsOf(latency, segmentHistograms(recording, 'latency'), recording.endNs - recording.startNs))
}

const cases = (given.others ? others() : MAIN).filter(({ name }) => name.includes(given.only))
if (given.truth) {
  for (const of of cases) if (of.name.startsWith('batches')) printTruth(of)
} else {
  const header = ['case', 'requests', ...ESTIMATED]
  console.log(`| ${header.join(' | ')} |\n| ${header.map(() => '---').join(' | ')} |`)
  for (const of of cases) {
    for (const requests of lengths) {
      const length = requests.toLocaleString('en')
      if (replications.length + machines.length === 0)
        row(
          of.name,
          length,
          of,
          study(of, (seed) => ofOneRun(of, requests, seed)),
        )
      for (const times of replications) {
        row(
          of.name,
          `${times} x ${length}`,
          of,
          study(of, (seed) => betweenRuns(of, requests, seed, times)),
        )
      }
      if (machines.length > 0) {
        for (const [name, scores] of studyMachines(of, requests)) row(of.name, `${name} x ${length}`, of, scores)
      }
    }
  }
}

// Counts how often a budget on p99 of the gaps between events passes and fails, on responses whose gaps are alike: judged by
// the fraction of gaps over the limit, and by the interval of p99. Gives the table of docs/validation/budgets.md.
//
//   npx tsx bench/studies/between-verdicts.ts              300 runs of each
//   npx tsx bench/studies/between-verdicts.ts --runs 50

import { parseArgs } from 'node:util'
import { judgeFraction } from '../../src/budget/fraction-over.js'
import { type HistogramSnapshot, LatencyHistogram, mergeHistograms } from '../../src/histogram/latency-histogram.js'
import { percentileNs } from '../../src/histogram/percentile.js'
import { stream } from '../../src/random/stream.js'
import { Exceedances } from '../../src/result/intervals/exceedances.js'
import { intervalsOf } from '../../src/result/intervals/intervals.js'
import { noCounts, SEGMENTS } from '../../src/result/recording.js'
import type { Segment } from '../../src/result/result.js'
import { segmentTime } from '../../src/result/summary.js'
import { NS_PER_MS } from '../../src/scenario/nanoseconds.js'

const { values: given } = parseArgs({ options: { runs: { type: 'string', default: '300' } } })
const runs = Number(given.runs)
const LENGTHS = [60, 200, 400, 1000, 10_000]
const LIMITS = [10, 3, 1.5, 1, 0.8, 0.5]
const MEAN_GAPS = 40
const TAIL = 0.025

/** How much the gaps of one response, and those of neighbouring responses, are alike. */
interface Case {
  name: string
  /** the fraction of responses that stall: all their gaps are 1,000 times as long */
  stalls?: number
  /** the standard deviation of the logarithm of a factor that all gaps of a response share */
  response: number
  /** that of a factor that neighbouring responses share, and for how many responses it lasts */
  neighbours: number
  lasts: number
}
const CASES: Case[] = [
  { name: 'independent gaps', response: 0, neighbours: 0, lasts: 1 },
  { name: 'alike in a response', response: 0.6, neighbours: 0, lasts: 1 },
  { name: 'and in 5 responses', response: 0.4, neighbours: 0.4, lasts: 5 },
  { name: 'and in 30 responses', response: 0.4, neighbours: 0.4, lasts: 30 },
]

/** Draws the gaps of a run, by segment: exponential gaps of 10 ms on average, times the factors of their response. */
function drawRun(
  { response, neighbours, lasts, stalls = 0 }: Case,
  responses: number,
  seed: number,
): HistogramSnapshot[] {
  const random = stream(seed, 'service')
  const normal = () => Math.sqrt(-2 * Math.log(random.positive())) * Math.cos(2 * Math.PI * random.uniform())
  const kept = Math.exp(-1 / lasts)
  let shared = normal()
  return Array.from({ length: SEGMENTS }, (_, k) => {
    const histogram = new LatencyHistogram()
    const [from, to] = [k, k + 1].map((part) => Math.round((part * responses) / SEGMENTS)) as [number, number]
    for (let i = from; i < to; i++) {
      shared = kept * shared + Math.sqrt(1 - kept ** 2) * normal()
      const stall = random.uniform() < stalls ? 1000 : 1
      const factor = stall * Math.exp(response * normal() + neighbours * shared)
      const gaps = Math.ceil(-MEAN_GAPS * Math.log(random.positive()))
      for (let gap = 0; gap < gaps; gap++) histogram.record(Math.round(-1e7 * factor * Math.log(random.positive())))
    }
    return histogram.snapshot()
  })
}

const segmentsOf = (histograms: readonly HistogramSnapshot[], responses: number) =>
  histograms.map(
    (histogram) =>
      ({
        counts: { ...noCounts(), offered: 1, completed: 1 },
        firstMs: { count: responses / SEGMENTS },
        betweenMs: segmentTime(histogram),
      }) as unknown as Segment,
  )

type Judged = 'pass' | 'fail' | 'inconclusive'

function byFraction(histograms: readonly HistogramSnapshot[], limitMs: number, responses: number): Judged {
  const segments = segmentsOf(histograms, responses)
  const exceedances = new Exceedances({ segments }, 'in a row', 'slowest', 'between')
  const { within } = judgeFraction(exceedances, 99, { relation: '<=', limit: limitMs }, TAIL)
  return within === null ? 'inconclusive' : within ? 'pass' : 'fail'
}

function byInterval(histograms: readonly HistogramSnapshot[], limitMs: number): Judged {
  const { low, high } = intervalsOf(mergeHistograms(histograms), histograms, 1e9, 1, false, 'gaps').p99
  if (high !== null && high <= limitMs) return 'pass'
  return low !== null && low > limitMs ? 'fail' : 'inconclusive'
}

/** The p99 of very many gaps, in milliseconds. */
function exactP99(each: Case): number {
  const parts = Array.from({ length: 40 }, (_, i) => drawRun(each, 10_000, 1_000_000 + i))
  return percentileNs(mergeHistograms(parts.flat()), 99) / NS_PER_MS
}

const row = (cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

console.log(`pass / fail, in % of ${runs} runs; the rest is inconclusive\n`)
row(['gaps', 'responses', 'judged by', ...LIMITS.map((times) => (times === 1 ? '**p99 itself**' : `${times} x`))])
row(Array(3 + LIMITS.length).fill('---'))
for (const each of CASES) {
  const p99 = exactP99(each)
  for (const responses of LENGTHS) {
    const drawn = Array.from({ length: runs }, (_, i) => drawRun(each, responses, i + 1))
    for (const [name, judge] of Object.entries({ fraction: byFraction, interval: byInterval })) {
      const cells = LIMITS.map((times) => {
        const verdicts = drawn.map((histograms) => judge(histograms, times * p99, responses))
        const percent = (verdict: Judged) =>
          Number(((100 * verdicts.filter((each) => each === verdict).length) / runs).toFixed(1))
        return `${percent('pass')} / ${percent('fail')}`
      })
      row([each.name, responses.toLocaleString('en'), name, ...cells])
    }
  }
}

const STALLS = [0, 0.003, 0.01, 0.02, 0.05]
console.log('\nof responses that stall as a whole or not at all, with a limit of 150 ms, which no other gap exceeds\n')
row(['responses', 'judged by', ...STALLS.map((stalls) => `${100 * stalls} % stall`)])
row(Array(2 + STALLS.length).fill('---'))
for (const responses of LENGTHS) {
  const cells = STALLS.map((stalls) => {
    const each = { name: '', response: 0, neighbours: 0, lasts: 1, stalls }
    const verdicts = Array.from({ length: runs }, (_, i) => byFraction(drawRun(each, responses, i + 1), 150, responses))
    const percent = (verdict: Judged) =>
      Number(((100 * verdicts.filter((each) => each === verdict).length) / runs).toFixed(1))
    return `${percent('pass')} / ${percent('fail')}`
  })
  row([responses.toLocaleString('en'), 'fraction', ...cells])
}

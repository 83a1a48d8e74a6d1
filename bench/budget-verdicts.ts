// How often a budget is judged right, by three judges of the same runs, whose true p99 is known: by its interval, by the
// point estimate alone, and by an interval that takes requests as independent. The tables of docs/budgets.md.
//
//   npx tsx bench/budget-verdicts.ts                                  10,000 runs of each, some hours
//   npx tsx bench/budget-verdicts.ts --runs 300 --lengths 1e5         a short one
//   npx tsx bench/budget-verdicts.ts --only 'M/M/1 at 80' --first 5000    a part of it, from another seed on
//   npx tsx bench/budget-verdicts.ts --until-clear                    with stop: { budget }, which runs until it is told

import { parseArgs } from 'node:util'
import { checkBudget, percentile, type Result, simulate, type Verdict } from '../src/index.js'
import { type Case, MAIN, mm1 } from './coverage-cases.js'

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    lengths: { type: 'string', default: '2e6' },
    limits: { type: 'string', default: '1.25,1.2,1,0.8' },
    only: { type: 'string', default: '' },
    first: { type: 'string', default: '1' },
    'until-clear': { type: 'boolean', default: false },
  },
})
const runs = Number(given.runs)
const first = Number(given.first)

/** A limit as a multiple of the true p99, and the verdict that would be right; at the true value there is none. */
const LIMITS = given.limits.split(',').map((text) => {
  const times = Number(text)
  const right: Verdict | null = times > 1 ? 'pass' : times < 1 ? 'fail' : null
  return { times, right, name: times === 1 ? 'p99 itself' : `${times} x p99` }
})

type Judge = (result: Result, limitMs: number) => Verdict
const JUDGES: Record<string, Judge> = {
  throughline: (result, limitMs) => checkBudget(result, { p99: limitMs }).verdict,
  'point estimate': ({ latencyMs }, limitMs) => (latencyMs.p99 <= limitMs ? 'pass' : 'fail'),
  'as if independent': ({ latencyMs }, limitMs) => {
    // the 95 % interval of order statistics, by the normal approximation to the binomial
    const margin = 1.96 * Math.sqrt(0.99 * 0.01 * latencyMs.count)
    const at = (rank: number) => percentile(latencyMs, Math.min(100, (100 * rank) / latencyMs.count))
    if (at(0.99 * latencyMs.count + margin) <= limitMs) return 'pass'
    return at(0.99 * latencyMs.count - margin) > limitMs ? 'fail' : 'inconclusive'
  },
}

type Verdicts = Record<Verdict, number>
const none = (): Verdicts => ({ pass: 0, inconclusive: 0, fail: 0 })

/** The verdicts so far, on standard error: a study of hours that is cut short is not lost, and parts can be added up. */
function sofar(name: string, seed: number, verdicts: unknown) {
  const done = seed - first + 1
  if (done % 500 === 0) console.error(`${name}: ${done} runs ${JSON.stringify(verdicts)}`)
}

function study({ name, scenario, exact }: Case, requests: number): Verdicts[][] {
  const found = LIMITS.map(() => Object.keys(JUDGES).map(none))
  for (let seed = first; seed < first + runs; seed++) {
    const result = simulate({ ...scenario, stop: { requests }, seed })
    LIMITS.forEach(({ times }, limit) => {
      Object.values(JUDGES).forEach((judge, i) => {
        const verdicts = found[limit]?.[i] as Verdicts
        verdicts[judge(result, times * (exact.p99 as number))]++
      })
    })
    sofar(name, seed, found)
  }
  return found
}

/** The same where each run goes on until the verdict is clear; and how many requests that took, the fewest first. */
function untilClear({ name, scenario, exact }: Case, times: number): { verdicts: Verdicts; requests: number[] } {
  const budget = { p99: times * (exact.p99 as number) }
  const verdicts = none()
  const requests: number[] = []
  for (let seed = first; seed < first + runs; seed++) {
    const result = simulate({ ...scenario, stop: { budget }, seed })
    verdicts[checkBudget(result, budget).verdict]++
    requests.push(result.counts.offered)
    sofar(`${name}, ${times} x p99`, seed, verdicts)
  }
  return { verdicts, requests: requests.sort((a, b) => a - b) }
}

const percent = (count: number) => {
  const share = (100 * count) / runs
  return count === 0 || count === runs ? String(share) : share.toPrecision(share < 1 ? 1 : 3)
}

const CASES = [mm1(0.5), mm1(0.8), mm1(0.9), MAIN.find(({ name }) => name === 'batches, greedy') as Case]
const asked = CASES.filter(({ name }) => name.includes(given.only))
const row = (cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)
const head = (cells: string[]) => {
  row(cells)
  row(cells.map(() => '---'))
}
const cell = (verdicts: Verdicts, right: Verdict | null) =>
  (['pass', 'inconclusive', 'fail'] as const)
    .map((verdict) => {
      const wrong = right !== null && verdict !== 'inconclusive' && verdict !== right && verdicts[verdict] > 0
      return wrong ? `**${percent(verdicts[verdict])}**` : percent(verdicts[verdict])
    })
    .join(' / ')

console.log(`pass / inconclusive / fail, in % of ${runs.toLocaleString('en')} runs; wrong verdicts are bold\n`)
if (given['until-clear']) {
  head(['case', 'limit', 'throughline', 'requests, median', 'most'])
  for (const each of asked) {
    // at the limit itself a run goes on to the end
    for (const { name, right, times } of LIMITS.filter(({ right }) => right !== null)) {
      const { verdicts, requests } = untilClear(each, times)
      const [median, most] = [requests[Math.floor(runs / 2)], requests.at(-1)] as [number, number]
      row([each.name, name, cell(verdicts, right), median.toLocaleString('en'), most.toLocaleString('en')])
    }
  }
} else {
  head(['case', 'requests', 'limit', ...Object.keys(JUDGES)])
  for (const requests of given.lengths.split(',').map(Number)) {
    for (const each of asked) {
      const found = study(each, requests)
      LIMITS.forEach(({ name, right }, limit) => {
        const cells = (found[limit] as Verdicts[]).map((verdicts) => cell(verdicts, right))
        row([each.name, requests.toLocaleString('en'), name, ...cells])
      })
    }
  }
}

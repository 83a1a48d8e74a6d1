// Counts how often a budget on a percentile passes and fails on queues with known percentiles: by throughline, by the point
// estimate, and by an interval for independent requests. Gives the tables of docs/validation/budgets.md.
//
//   npx tsx bench/studies/budget-verdicts.ts                                         300 runs of each: the table
//   npx tsx bench/studies/budget-verdicts.ts --runs 50 --lengths 1e4 --only 'M/M/1'   a short one
//   npx tsx bench/studies/budget-verdicts.ts --percentile p95
//   npx tsx bench/studies/budget-verdicts.ts --until-clear --limits 3,1.25,0.8        with stop: { budget }

import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type BudgetMetric, checkBudget, percentile, type Result, simulate, type Verdict } from '../../src/index.js'
import { type Case, MAIN, mm1, others } from './coverage-cases.js'

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '300' },
    lengths: { type: 'string', default: '1e3,1e4,1e5,1e6' },
    limits: { type: 'string', default: '10,3,1.5,1.2,1,0.8,0.5' },
    percentile: { type: 'string', default: 'p99' },
    only: { type: 'string', default: '' },
    first: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    'until-clear': { type: 'boolean', default: false },
  },
})
const runs = Number(given.runs)
const first = Number(given.first)
const limits = given.limits.split(',').map(Number)
const lengths = given.lengths.split(',').map(Number)
const metric = given.percentile as BudgetMetric & ('p50' | 'p95' | 'p99')
const p = Number(metric.slice(1))

const NAMES = ['D/M/1 at 80 %', 'M/H2/1 at 60 %', 'M/M/4 at 75 %']
const CASES = [
  ...[mm1(0.5), mm1(0.8), mm1(0.9)],
  ...others().filter(({ name }) => NAMES.includes(name)),
  ...MAIN.filter(({ name }) => name.startsWith('batches')),
].filter(({ name }) => name.includes(given.only))

const JUDGES: Record<string, (result: Result, limitMs: number) => Verdict> = {
  throughline: (result, limitMs) => checkBudget(result, { [metric]: limitMs }).verdict,
  'point estimate': ({ latencyMs }, limitMs) => (latencyMs[metric] <= limitMs ? 'pass' : 'fail'),
  'as if independent': ({ latencyMs }, limitMs) => {
    // the 95 % interval of order statistics, by the normal approximation to the binomial
    const n = latencyMs.count
    const margin = 1.96 * Math.sqrt((p / 100) * (1 - p / 100) * n)
    const at = (rank: number) => percentile(latencyMs, Math.min(100, Math.max(0.001, (100 * rank) / n)))
    if (at((p / 100) * n + margin) <= limitMs) return 'pass'
    return at((p / 100) * n - margin) > limitMs ? 'fail' : 'inconclusive'
  },
}

/** Runs of one case at one length, or until the verdict on one limit is clear. */
interface Job {
  name: string
  /** null: until it is clear */
  requests: number | null
  limits: number[]
  first: number
  runs: number
}

type Counts = Record<Verdict, number>
interface Done {
  /** by limit, then by judge */
  verdicts: Counts[][]
  /** the length of each run */
  requests: number[]
}

function work({ name, requests, limits, first, runs }: Job): Done {
  const { scenario, exact } = CASES.find((each) => each.name === name) as Case
  const limitsMs = limits.map((times) => times * (exact[metric] as number))
  const verdicts = limits.map(() => Object.keys(JUDGES).map((): Counts => ({ pass: 0, inconclusive: 0, fail: 0 })))
  const offered: number[] = []
  for (let seed = first; seed < first + runs; seed++) {
    const stop = requests === null ? { budget: { [metric]: limitsMs[0] } } : { requests }
    const result = simulate({ ...scenario, stop, seed })
    offered.push(result.counts.offered)
    limitsMs.forEach((limitMs, i) => {
      Object.values(JUDGES).forEach((judge, j) => {
        const counts = verdicts[i]?.[j] as Counts
        counts[judge(result, limitMs)]++
      })
    })
  }
  return { verdicts, requests: offered }
}

/** Distributes the runs of each job to processes, and reports the jobs in order, each as soon as it is complete. */
async function study(jobs: Job[], report: (job: Job, done: Done) => void): Promise<void> {
  const workers = Array.from({ length: Math.min(runs, Number(given.workers)) }, () => {
    return fork(new URL(import.meta.url), process.argv.slice(2), { env: { ...process.env, STUDY_WORKER: '1' } })
  })
  try {
    for (const job of jobs) {
      const fractions = workers.map((worker, i) => {
        const from = Math.floor((i * job.runs) / workers.length)
        const to = Math.floor(((i + 1) * job.runs) / workers.length)
        return ask(worker, { ...job, first: job.first + from, runs: to - from })
      })
      report(job, (await Promise.all(fractions)).reduce(added))
    }
  } finally {
    for (const worker of workers) worker.disconnect()
  }
}

function ask(worker: ChildProcess, job: Job): Promise<Done> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a worker ended with ${code}`))
    worker.once('exit', ended)
    worker.once('message', (done) => {
      worker.off('exit', ended)
      resolve(done as Done)
    })
    worker.send(job)
  })
}

function added(a: Done, b: Done): Done {
  const verdicts = a.verdicts.map((judges, i) =>
    judges.map((counts, j): Counts => {
      const more = b.verdicts[i]?.[j] as Counts
      return {
        pass: counts.pass + more.pass,
        inconclusive: counts.inconclusive + more.inconclusive,
        fail: counts.fail + more.fail,
      }
    }),
  )
  return { verdicts, requests: [...a.requests, ...b.requests] }
}

const percent = (count: number) => {
  const fraction = (100 * count) / runs
  return fraction === Math.round(fraction) ? String(fraction) : fraction.toFixed(1)
}
const row = (cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)
const head = (cells: string[]) => {
  row(cells)
  row(cells.map(() => '---'))
}
const cell = ({ pass, fail }: Counts) => `${percent(pass)} / ${percent(fail)}`
const limitName = (times: number) => (times === 1 ? `**${metric} itself**` : `${times} x`)

async function lengthsTable(): Promise<void> {
  console.log(
    `pass / fail, in % of ${runs.toLocaleString('en')} runs; the rest is inconclusive. Judged by throughline:\n`,
  )
  head(['case', 'requests', ...limits.map(limitName)])
  const others: [string, Done][] = []
  const jobs = CASES.flatMap(({ name }) => lengths.map((requests) => ({ name, requests, limits, first, runs })))
  await study(jobs, ({ name, requests }, done) => {
    row([name, (requests as number).toLocaleString('en'), ...done.verdicts.map(([own]) => cell(own as Counts))])
    others.push([`${name} | ${(requests as number).toLocaleString('en')}`, done])
  })
  for (const [j, judge] of Object.keys(JUDGES).entries()) {
    if (j === 0) continue
    console.log(`\n${judge}:\n`)
    head(['case', 'requests', ...limits.map(limitName)])
    for (const [name, { verdicts }] of others) row([name, ...verdicts.map((judges) => cell(judges[j] as Counts))])
  }
}

async function untilClearTable(): Promise<void> {
  console.log(`pass / fail, in % of ${runs.toLocaleString('en')} runs with stop: { budget }\n`)
  head(['case', 'limit', 'throughline', 'requests, median', 'most'])
  const jobs = CASES.flatMap(({ name }) =>
    limits.map((times) => ({ name, requests: null, limits: [times], first, runs })),
  )
  await study(jobs, ({ name, limits: [times] }, { verdicts, requests }) => {
    const sorted = requests.sort((a, b) => a - b)
    const [median, most] = [sorted[Math.floor(runs / 2)], sorted.at(-1)] as [number, number]
    const own = verdicts[0]?.[0] as Counts
    row([name, limitName(times as number), cell(own), median.toLocaleString('en'), most.toLocaleString('en')])
  })
}

if (process.env.STUDY_WORKER === undefined) await (given['until-clear'] ? untilClearTable() : lengthsTable())
else process.on('message', (job: Job) => process.send?.(work(job)))

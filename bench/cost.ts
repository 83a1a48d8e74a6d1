// What measuring itself costs: how late requests are sent, what is added to their latency, and the CPU it takes, beside
// a setTimeout loop and one piscina task a request. Run it with `npx tsx bench/cost.ts --rounds 5`; with `--model`, how
// long to spin is compared beside a real model.

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Piscina } from 'piscina'
import { type Duration, type MeasureOptions, measure, poisson } from 'throughline'
import { inBatchesOf } from '../examples/real-model/model.ts'
import { spreadOf } from '../src/report/spread.js'
import { table } from '../src/report/table.js'
import { schedule } from '../src/scenario/schedule.js'
import { rate, time } from '../src/text/number.js'
import { inRounds } from './rounds.js'

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    rates: { type: 'string', default: '1000,10000,100000' },
    model: { type: 'boolean', default: false },
  },
})
const ROUNDS = Number(asked.rounds)
const SECONDS = Number(asked.seconds)
const RATES = asked.rates.split(',').map(Number)
const handler = new URL('./no-op.js', import.meta.url)

/** What one run says of itself; milliseconds, and cores. */
interface Cost {
  lagP50: number
  lagP99: number
  latencyP50: number
  latencyP99: number
  cores: number
  dispatchP50?: number
  /** what other processes took meanwhile */
  others?: number
}

type Load = { perSecond: number; seed: number }

async function ours({ perSecond, seed }: Load, options: MeasureOptions, target: object): Promise<Cost> {
  const scenario = { arrivals: poisson(perSecond), stop: { duration: 1000 * SECONDS }, seed, ...target }
  const { lagMs, latencyMs, dispatchMs, host } = await measure(scenario as Parameters<typeof measure>[0], options)
  const cpu = host?.cpu
  return {
    lagP50: lagMs.p50,
    lagP99: lagMs.p99,
    latencyP50: latencyMs.p50,
    latencyP99: latencyMs.p99,
    cores: cpu ? cpu.processMs / cpu.periodMs : Number.NaN,
    dispatchP50: dispatchMs.p50,
    others: cpu ? cpu.othersMs / cpu.periodMs : Number.NaN,
  }
}

const nearestRank = (sorted: Float64Array, p: number) => sorted[Math.ceil((p / 100) * sorted.length) - 1] as number

/** The same requests, each sent by a timer of this thread's event loop once it is due. */
async function byTimers({ perSecond, seed }: Load, send: (index: number) => unknown): Promise<Cost> {
  const next = schedule({ process: 'poisson', rate: perSecond }, seed)
  const dueMs = Array.from({ length: perSecond * SECONDS }, () => next() / 1e6)
  const lag = new Float64Array(dueMs.length)
  const latency = new Float64Array(dueMs.length)
  const [begun, before] = [performance.now(), process.cpuUsage()]
  await new Promise<void>((resolve) => {
    let sent = 0
    let left = dueMs.length
    const done = (i: number) => {
      latency[i] = performance.now() - begun - (dueMs[i] as number)
      if (--left === 0) resolve()
    }
    const tick = () => {
      for (let now = performance.now() - begun; sent < dueMs.length && (dueMs[sent] as number) <= now; sent++) {
        const i = sent
        lag[i] = performance.now() - begun - (dueMs[i] as number)
        const answer = send(i)
        if (answer instanceof Promise) answer.then(() => done(i))
        else done(i)
      }
      if (sent < dueMs.length) setTimeout(tick, (dueMs[sent] as number) - (performance.now() - begun))
    }
    tick()
  })
  const { user, system } = process.cpuUsage(before)
  const cores = (user + system) / 1000 / (performance.now() - begun)
  lag.sort()
  latency.sort()
  return {
    lagP50: nearestRank(lag, 50),
    lagP99: nearestRank(lag, 99),
    latencyP50: nearestRank(latency, 50),
    latencyP99: nearestRank(latency, 99),
    cores,
  }
}

/** Each request a task of its own, on one thread. */
async function byPiscina(load: Load): Promise<Cost> {
  const filename = fileURLToPath(handler)
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: 64 })
  try {
    for (let i = 0; i < 1000; i++) await pool.run([i])
    return await byTimers(load, (index) => pool.run([index]))
  } finally {
    await pool.destroy()
  }
}

interface Contender {
  name: string
  run: (load: Load) => Promise<Cost>
}

const spinning = (name: string, options: MeasureOptions, target: object): Contender => ({
  name,
  run: (load) => ours(load, options, target),
})
const SPINS: [string, Duration | undefined][] = [
  ['measure', undefined],
  ["measure, spin: '100us'", '100us'],
]

async function compare(title: string, perSecond: number, contenders: Contender[]): Promise<void> {
  const costs = await inRounds(
    contenders.map(
      ({ run }) =>
        (round: number) =>
          run({ perSecond, seed: round + 1 }),
    ),
    ROUNDS,
  )
  const timers = costs[contenders.findIndex(({ name }) => name === TIMERS)]
  console.log(`\n ${title} at ${rate(perSecond)}, ${ROUNDS} interleaved rounds of ${SECONDS} s: medians, and spread\n`)
  console.log(
    table(
      [
        { header: '', align: 'left' },
        { header: 'lag\np50' },
        { header: '\np99' },
        { header: '\nspread' },
        ...(timers === undefined ? [] : [{ header: "over setTimeout's\nmedian" }, { header: '\nat most' }]),
        { header: 'latency\np50' },
        { header: '\np99' },
        { header: '\nspread' },
        { header: 'dispatch\np50' },
        { header: 'cores\ntaken' },
        { header: '\nby others' },
      ],
      costs.map((own, i) => {
        const spread = (key: keyof Cost) => spreadOf(own.map((cost) => cost[key] ?? Number.NaN))
        const [lag, latency] = [spread('lagP99'), spread('latencyP99')]
        const [dispatch, others] = [spread('dispatchP50').median, spread('others').median]
        const ratios = timers && spreadOf(own.map(({ lagP99 }, round) => lagP99 / (timers[round]?.lagP99 as number)))
        return [
          contenders[i]?.name as string,
          time(spread('lagP50').median),
          time(lag.median),
          `${time(lag.low)} to ${time(lag.high)}`,
          ...(ratios === undefined ? [] : [ratios.median.toFixed(2), ratios.high.toFixed(2)]),
          time(spread('latencyP50').median),
          time(latency.median),
          `${time(latency.low)} to ${time(latency.high)}`,
          Number.isNaN(dispatch) ? '' : time(dispatch),
          spread('cores').median.toFixed(2),
          Number.isNaN(others) ? '' : others.toFixed(2),
        ]
      }),
    ),
  )
}

const TIMERS = 'a setTimeout loop'
if (asked.model) {
  for (const size of [1, 16, 64]) {
    const target = inBatchesOf(size)
    const perSecond = size === 1 ? 2000 : 8000
    await compare(`A real model in batches of up to ${size}`, perSecond, [
      ...SPINS.map(([name, spin]) => spinning(name, { spin }, target)),
      spinning("measure, spin: '50us'", { spin: '50us' }, target),
    ])
  }
} else {
  const target = { handler, batching: { maxBatchSize: 64, maxWait: 0 } }
  for (const perSecond of RATES) {
    await compare('No-op requests', perSecond, [
      ...SPINS.map(([name, spin]) => spinning(name, { spin }, target)),
      spinning('measure, spinning throughout', { spin: '1s' }, target),
      spinning("the same, idle: 'poll'", { spin: '1s', idle: 'poll' }, target),
      { name: TIMERS, run: (load) => byTimers(load, () => {}) },
      { name: 'one piscina task a request, by setTimeout', run: byPiscina },
    ])
  }
}

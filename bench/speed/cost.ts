// Measures the cost of `measure` itself: the latency that it adds to a no-op handler, and its CPU, compared with a setTimeout loop and with one piscina task a request. Run it with `npx tsx bench/speed/cost.ts --rounds 5`.

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Piscina } from 'piscina'
import { type MeasureOptions, measure, poisson } from 'throughline'
import { spreadOf } from '../../src/report/spread.js'
import { table } from '../../src/report/terminal/table.js'
import { schedule } from '../../src/scenario/arrivals/schedule.js'
import { rate, time } from '../../src/text/number.js'
import { inRounds } from '../rounds.js'

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    rates: { type: 'string', default: '1000,10000,100000' },
  },
})
const ROUNDS = Number(asked.rounds)
const SECONDS = Number(asked.seconds)
const RATES = asked.rates.split(',').map(Number)
const handler = new URL('./no-op.js', import.meta.url)

/** The figures of one run: latencies in milliseconds, CPU in cores. */
interface Cost {
  p50: number
  p99: number
  cores: number
  /** the CPU that other processes used meanwhile; null if unknown */
  others: number | null
}

interface Load {
  perSecond: number
  seed: number
}

const byMeasure =
  (options: MeasureOptions) =>
  async (load: Load): Promise<Cost> => {
    const { latencyMs, host } = await measure(
      {
        arrivals: poisson(load.perSecond),
        handler,
        batching: { maxBatchSize: 64, maxWait: 0 },
        stop: { duration: 1000 * SECONDS },
        seed: load.seed,
      },
      options,
    )
    const cpu = host?.cpu
    if (!cpu) throw new Error(`no CPU times on this machine: ${host?.reasons.cpu}`)
    const { periodMs, processMs, othersMs } = cpu
    return { p50: latencyMs.p50, p99: latencyMs.p99, cores: processMs / periodMs, others: othersMs / periodMs }
  }

const nearestRank = (sorted: Float64Array, p: number) => sorted[Math.ceil((p / 100) * sorted.length) - 1] as number

/** The same requests, each sent by a timer of this thread's event loop once it is due. */
async function byTimers({ perSecond, seed }: Load, send: (index: number) => unknown): Promise<Cost> {
  const next = schedule({ process: 'poisson', rate: perSecond }, seed)
  const dueMs = Array.from({ length: perSecond * SECONDS }, () => next() / 1e6)
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
        const output = send(i)
        if (output instanceof Promise) output.then(() => done(i))
        else done(i)
      }
      if (sent < dueMs.length) setTimeout(tick, (dueMs[sent] as number) - (performance.now() - begun))
    }
    tick()
  })
  const { user, system } = process.cpuUsage(before)
  const cores = (user + system) / 1000 / (performance.now() - begun)
  latency.sort()
  return { p50: nearestRank(latency, 50), p99: nearestRank(latency, 99), cores, others: null }
}

/** One piscina task for each request, on one thread. */
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

const contenders: { name: string; run: (load: Load) => Promise<Cost> }[] = [
  { name: 'measure', run: byMeasure({}) },
  { name: 'measure, spin: 0', run: byMeasure({ spin: 0 }) },
  { name: "measure, idle: 'poll'", run: byMeasure({ idle: 'poll' }) },
  { name: 'a setTimeout loop', run: (load) => byTimers(load, () => {}) },
  { name: 'one piscina task a request, by setTimeout', run: byPiscina },
]

for (const perSecond of RATES) {
  const costs = await inRounds(
    contenders.map(
      ({ run }) =>
        (round: number) =>
          run({ perSecond, seed: round + 1 }),
    ),
    ROUNDS,
  )
  console.log(
    `\n No-op requests at ${rate(perSecond)}, one server: medians of ${ROUNDS} interleaved rounds of ${SECONDS} s\n`,
  )
  console.log(
    table(
      [
        { header: '', align: 'left' },
        { header: 'latency\np50' },
        { header: '\np99' },
        { header: '\np99, spread' },
        { header: 'cores\nused' },
        { header: '\nby others' },
      ],
      costs.map((own, i) => {
        const p99 = spreadOf(own.map((cost) => cost.p99))
        const others = own.flatMap((cost) => cost.others ?? [])
        return [
          contenders[i]?.name as string,
          time(spreadOf(own.map(({ p50 }) => p50)).median),
          time(p99.median),
          `${time(p99.low)} to ${time(p99.high)}`,
          spreadOf(own.map(({ cores }) => cores)).median.toFixed(2),
          others.length === 0 ? '' : spreadOf(others).median.toFixed(2),
        ]
      }),
    ),
  )
}

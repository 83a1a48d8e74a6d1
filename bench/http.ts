// HTTP requests a second beside autocannon, and what each says of a server that stalls for a second. Run it with
// `npx tsx bench/http.ts [rounds]`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { constant, measure, replay } from 'throughline'
import { table } from '../src/report/table.js'
import { compareInRounds } from './rounds.js'

const ROUNDS = Number(process.argv[2] ?? 5)
/** All of them due at once, so that a request waits for every connection at all times, as in a closed loop. */
const REQUESTS = 40_000

const server = fork(fileURLToPath(new URL('./http-server.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
const [port] = await once(server, 'message')
const url = `http://127.0.0.1:${port}`

/** Requests a second, and for each second of CPU that this process spends, all of its threads included. */
interface Rates {
  wall: number
  cpu: number
}

function since(begun: number, before: NodeJS.CpuUsage) {
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6 }
}

/** From when the threads have started: that is the same however long a run is. */
async function ours(connections: number): Promise<Rates> {
  let rates: Rates | null = null
  let start: { completed: number; begun: number; before: NodeJS.CpuUsage } | null = null
  await measure(
    {
      arrivals: replay(new Array(REQUESTS).fill(0)),
      http: { url, connections },
      stop: { requests: REQUESTS },
      warmup: { duration: 0 },
    },
    {
      onProgress: ({ completed }) => {
        start ??= { completed, begun: performance.now(), before: process.cpuUsage() }
        const { seconds, cpuSeconds } = since(start.begun, start.before)
        const requests = completed - start.completed
        if (requests > 0) rates = { wall: requests / seconds, cpu: requests / cpuSeconds }
      },
    },
  )
  return rates as unknown as Rates
}

async function theirs(connections: number): Promise<Rates> {
  const [begun, before] = [performance.now(), process.cpuUsage()]
  const result = await autocannon({ url, connections, amount: REQUESTS })
  const { seconds, cpuSeconds } = since(begun, before)
  return { wall: result['2xx'] / seconds, cpu: result['2xx'] / cpuSeconds }
}

for (const connections of [10, 100]) {
  for (const by of ['cpu', 'wall'] as const) {
    await compareInRounds(
      `Requests over ${connections} connections`,
      by === 'cpu' ? 'requests a CPU second' : 'requests/s',
      [
        { name: 'measure', perSecond: async () => (await ours(connections))[by] },
        { name: 'autocannon', perSecond: async () => (await theirs(connections))[by] },
      ],
      ROUNDS,
    )
  }
}

/** Has the server stall for its second, in the middle of what is sent. */
async function stalling<Value>(sent: PromiseLike<Value>): Promise<Value> {
  const timer = setTimeout(() => fetch(`${url}/stall`).catch(() => {}), 4000)
  try {
    return await sent
  } finally {
    clearTimeout(timer)
  }
}

const RATE = 100
const [seen, their] = [
  await stalling(
    measure({
      arrivals: constant(RATE),
      http: { url: `${url}/stalling`, connections: 1 },
      stop: { duration: '10s' },
      warmup: { duration: 0 },
    }),
  ),
  await stalling(autocannon({ url: `${url}/stalling`, connections: 1, overallRate: RATE, duration: 10 })),
]
// a tenth of the requests are due in the stall, and wait from 1 s down to nothing
const due = Array.from({ length: 10 * RATE }, (_, i) => (i < RATE ? 1000 - (i * 1000) / RATE : 0)).sort((a, b) => a - b)
const truth = (p: number) => (due[Math.ceil((p / 100) * due.length) - 1] as number).toFixed(0)
const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0)
console.log(`\n What is said of a server that stalls for 1 s of 10 s, at ${RATE}/s over one connection (ms)\n`)
console.log(
  table(
    [
      { header: '', align: 'left' },
      { header: 'p50' },
      { header: 'p90' },
      { header: 'p95' },
      { header: 'p99' },
      { header: 'max' },
    ],
    [
      ['the stall alone', truth(50), truth(90), truth(95), truth(99), truth(100)],
      ['measure', ...([50, 90, 95, 99] as const).map((p) => ms(seen.latencyMs[`p${p}`])), ms(seen.latencyMs.max)],
      [
        'measure, the answer alone',
        ...([50, 90, 95, 99] as const).map((p) => ms(seen.serviceMs[`p${p}`])),
        ms(seen.serviceMs.max),
      ],
      [
        'autocannon',
        ...[their.latency.p50, their.latency.p90, NaN, their.latency.p99, their.latency.max].map((v) =>
          Number.isNaN(v) ? '' : ms(v),
        ),
      ],
    ],
  ),
)
server.disconnect()

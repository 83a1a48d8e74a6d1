// Measures HTTP requests per second compared with autocannon; and the latency that each tool, with wrk and hey if they are
// installed, reports for a server that stalls for 1 s. Run it with `npx tsx bench/speed/http.ts [rounds]`; 0 rounds for the stall
// alone.
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import autocannon from 'autocannon'
import { constant, measure, replay } from 'throughline'
import { table } from '../../src/report/terminal/table.js'
import { compareInRounds } from '../rounds.js'

const ROUNDS = Number(process.argv[2] ?? 5)
/** All requests are due at once, so that one always waits for each connection, as in a closed loop. */
const REQUESTS = 40_000

const server = fork(fileURLToPath(new URL('./http-server.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
const [port] = await once(server, 'message')
const url = `http://127.0.0.1:${port}`

/** Requests per second, and per second of CPU of all threads of this process. */
interface Rates {
  wall: number
  cpu: number
}

function since(begun: number, before: NodeJS.CpuUsage) {
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6 }
}

/** Counts from the first progress on, when connections are set up, which takes the same time in every run. */
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

for (const connections of ROUNDS > 0 ? [10, 100] : []) {
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

/** Makes the server stall for 1 s, in the middle of the run. */
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
const MS_PER: Record<string, number> = { us: 1e-3, ms: 1, s: 1e3 }
const inMs = (value = '', unit = 's') => Number(value) * (MS_PER[unit] ?? Number.NaN)

/** Runs a tool of the system against the stall; null if it is not installed. */
async function printed(command: string, args: string[]): Promise<string | null> {
  try {
    return (await stalling(promisify(execFile)(command, [...args, `${url}/stalling`]))).stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** wrk sends the next request after a response: it has no rate. */
async function wrk(): Promise<string[] | null> {
  const text = await printed('wrk', ['-t1', '-c1', '-d10s', '--latency'])
  if (text === null) return null
  const at = (p: number) => inMs(...matched(text, new RegExp(`${p}%\\s+([\\d.]+)(us|ms|s)`)))
  const max = inMs(...matched(text, /Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/))
  return [ms(at(50)), ms(at(90)), '', ms(at(99)), ms(max)]
}

/** hey keeps a rate until it has to wait for a response. */
async function hey(): Promise<string[] | null> {
  const text = await printed('hey', ['-z', '10s', '-c', '1', '-q', String(RATE)])
  if (text === null) return null
  const at = (p: number) => inMs(...matched(text, new RegExp(`${p}% in ([\\d.]+) secs`)))
  return [...[50, 90, 95, 99].map((p) => ms(at(p))), ms(inMs(...matched(text, /Slowest:\s+([\d.]+)/)))]
}

const matched = (text: string, pattern: RegExp) => (pattern.exec(text) ?? []).slice(1) as [string?, string?]
const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0)
const others = { 'wrk, as fast as it is answered': await wrk(), hey: await hey() }

// a tenth of the requests are due in the stall, and wait from 1 s down to nothing
const due = Array.from({ length: 10 * RATE }, (_, i) => (i < RATE ? 1000 - (i * 1000) / RATE : 0)).sort((a, b) => a - b)
const truth = (p: number) => (due[Math.ceil((p / 100) * due.length) - 1] as number).toFixed(0)
console.log(`\n Latency reported for a server that stalls for 1 s of 10 s, at ${RATE}/s over one connection (ms)\n`)
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
        'measure, the response alone',
        ...([50, 90, 95, 99] as const).map((p) => ms(seen.serviceMs[`p${p}`])),
        ms(seen.serviceMs.max),
      ],
      [
        'autocannon',
        ...[their.latency.p50, their.latency.p90, NaN, their.latency.p99, their.latency.max].map((v) =>
          Number.isNaN(v) ? '' : ms(v),
        ),
      ],
      ...Object.entries(others).map(([name, figures]) => [
        name,
        ...(figures ?? [{ content: 'not installed', span: 5 }]),
      ]),
    ],
  ),
)
server.disconnect()

import autocannon from 'autocannon'
import { constant, measure } from 'throughline'
import { table } from '../../../src/report/terminal/table.js'
import { HEY, isInstalled, output, type SystemTool, WRK } from './system-tools.js'

const RATE = 100
const LOAD = { connections: 1, seconds: 10 }

const ms = (value: number) => (Number.isNaN(value) ? '' : value.toFixed(value < 10 ? 1 : 0))

/** Prints the latency that each tool reports for a server that stalls for 1 s in the middle of a run. */
export async function compareStalls(url: string): Promise<void> {
  const stalling = `${url}/stalling`
  /** Makes the server stall while a load is sent. */
  async function withStall<Value>(sent: PromiseLike<Value>): Promise<Value> {
    const timer = setTimeout(() => fetch(`${url}/stall`).catch(() => {}), 4000)
    try {
      return await sent
    } finally {
      clearTimeout(timer)
    }
  }
  async function bySystemTool(name: string, tool: SystemTool, rate: number | null): Promise<string[][]> {
    if (!(await isInstalled(tool))) return []
    const text = await withStall(output(tool, { ...LOAD, rate }, stalling))
    return [[name, ...[50, 90, 95, 99].map((p) => ms(tool.percentile(text, p))), ms(tool.max(text))]]
  }

  const ours = await withStall(
    measure({
      arrivals: constant(RATE),
      http: { url: stalling, connections: 1 },
      stop: { duration: 1000 * LOAD.seconds },
      warmup: { duration: 0 },
    }),
  )
  const { latency } = await withStall(
    autocannon({ url: stalling, connections: 1, overallRate: RATE, duration: LOAD.seconds }),
  )
  // a tenth of the requests are due in the stall, and wait from 1 s down to nothing
  const due = Array.from({ length: LOAD.seconds * RATE }, (_, i) => (i < RATE ? 1000 - (i * 1000) / RATE : 0))
  due.sort((a, b) => a - b)
  const truth = (p: number) => (due[Math.ceil((p / 100) * due.length) - 1] as number).toFixed(0)
  const row = (name: string, { p50, p90, p95, p99, max }: Record<'p50' | 'p90' | 'p95' | 'p99' | 'max', number>) => [
    name,
    ...[p50, p90, p95, p99, max].map(ms),
  ]
  const rows = [
    ['the stall alone', ...[50, 90, 95, 99, 100].map(truth)],
    row('measure', ours.latencyMs),
    row('measure, the response alone', ours.serviceMs),
    row('autocannon', { ...latency, p95: Number.NaN }),
    ...(await bySystemTool('wrk, as fast as it is answered', WRK, null)),
    ...(await bySystemTool('hey', HEY, RATE)),
  ]
  console.log(`\n Latency reported for a server that stalls for 1 s of 10 s, at ${RATE}/s over one connection (ms)\n`)
  const headers = ['p50', 'p90', 'p95', 'p99', 'max'].map((header) => ({ header }))
  console.log(table([{ header: '', align: 'left' }, ...headers], rows))
}

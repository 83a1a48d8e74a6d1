// Measures what a request costs over few and over many connections, and whether thousands hold a request each at a time.
// Run it with `npx tsx bench/speed/connections.ts [connections]`; it takes as many open files (`ulimit -Hn`).
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { constant, measure } from 'throughline'
import { table } from '../../src/report/terminal/table.js'
import { count, threeDigits } from '../../src/text/number.js'

const most = Number(process.argv[2] ?? 10_000)
const server = fork(fileURLToPath(new URL('./http/server.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
const [{ url }] = (await once(server, 'message')) as [{ url: string }]

const rows: string[][] = []
for (const connections of [10, 100, 1000, most]) {
  const {
    counts,
    host,
    throughput,
    connections: opened,
  } = await measure({
    arrivals: { process: 'closed', clients: connections },
    // until all connections are open
    warmup: { duration: '6s' },
    stop: { duration: '11s' },
    http: { url, connections },
  })
  const busyMs = host?.cpu?.threads[0]?.busyMs ?? Number.NaN
  rows.push([
    count(opened?.opened ?? 0),
    threeDigits(throughput.completed),
    threeDigits(counts.completed / (busyMs / 1000)),
    threeDigits(opened?.setupMs?.p50 ?? Number.NaN),
    threeDigits(opened?.setupMs?.max ?? Number.NaN),
    count(counts.failed),
  ])
}
const columns = ['connections', 'requests/s', 'requests a\nCPU second', 'set-up p50\nms', 'set-up max\nms', 'failed']
console.log(
  table(
    columns.map((header) => ({ header })),
    rows,
  ),
)
server.disconnect()

const handlers = new URL('../../test/measure/handlers/', import.meta.url)
const holding = fork(fileURLToPath(new URL('holding-server.js', handlers)), [String(most)])
const [heldPort] = await once(holding, 'message')
const held = await measure(
  {
    arrivals: constant(most / 7),
    warmup: { requests: 0 },
    stop: { requests: most },
    http: { url: `http://127.0.0.1:${heldPort}`, connections: most },
  },
  { batchTimeout: '60s' },
)
const { opened = 0 } = held.connections ?? {}
console.log(`\n ${count(opened)} connections held a request each at once; ${count(held.counts.completed)} completed`)
holding.disconnect()

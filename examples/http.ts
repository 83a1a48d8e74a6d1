// Measures an HTTP server that stalls for half a second: latency from when requests were due, and from when they were
// sent, which hides the stall. Run it with `npx tsx examples/http.ts`.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { constant, measure } from 'throughline'
import { styleFor, table, time } from 'throughline/report'

let served = 0
const server = createServer((_, response) => {
  setTimeout(() => response.end('ok'), served++ === 100 ? 500 : 2)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

// one connection: requests that are due while it is busy wait for it
const result = await measure({
  arrivals: constant('100/s'),
  http: { url, connections: 1 },
  stop: { duration: '3s' },
})
server.close()

const { latencyMs, serviceMs } = result
const row = (name: string, p: 'p50' | 'p90' | 'p99' | 'max') => [name, time(latencyMs[p]), time(serviceMs[p])]
console.log(
  table(
    [{ header: '', align: 'left' }, { header: 'from due' }, { header: 'from sending' }],
    [row('p50', 'p50'), row('p90', 'p90'), row('p99', 'p99'), row('max', 'max')],
    styleFor(process.stdout),
  ),
)
console.log(`
 One of ${result.counts.completed} requests was in service during the stall, and some fifty were due: the right column shows only the one.
`)

// The load that a service sustains within a p99: the example service in batches, without batches, and with one piscina task
// a request, each in a process of its own, over HTTP. Run it with `npx tsx bench/speed/service.ts --rounds 3 --p99 100`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { closed, measure } from 'throughline'
import { frame } from '../../examples/real-model/frames.ts'
import { encode } from '../../examples/service/pcm.ts'
import { compareInRounds } from '../rounds.js'

const { values: asked } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, p99: { type: 'string', default: '100' } },
})
const LIMIT_MS = Number(asked.p99)
const frames = Array.from({ length: 64 }, (_, seed) => encode(frame(seed)))
const FEWEST_CLIENTS = 8
const MOST_CLIENTS = 1024

const started = ['batched', 'alone', 'piscina'].map(async (kind) => {
  const path = fileURLToPath(new URL('./service-server.ts', import.meta.url))
  const server = fork(path, [kind], { execArgv: ['--import', 'tsx'] })
  const [port] = await once(server, 'message')
  return { server, url: `http://127.0.0.1:${port}/infer` }
})
const services = await Promise.all(started)
type Service = (typeof services)[number]

interface Load {
  perSecond: number
  p99: number
}

async function measureLoad(clients: number, url: string): Promise<Load> {
  const { counts, latencyMs, throughput } = await measure(
    {
      arrivals: closed({ clients }),
      http: { url, body: (index) => ({ pcm: frames[index % frames.length] as string }) },
      stop: { duration: '1s' },
      warmup: { duration: '200ms' },
    },
    // leaves the cores to the servers
    { spin: 0 },
  )
  if (counts.completed < counts.offered)
    throw new Error(`${counts.offered - counts.completed} requests were not answered`)
  return { perSecond: throughput.completed, p99: latencyMs.p99 }
}

/** Returns the load at which the p99 meets the limit, interpolated between the loads on either side of it. */
async function sustained(url: string): Promise<number> {
  let below: Load | null = null
  for (let clients = FEWEST_CLIENTS; clients <= MOST_CLIENTS; clients *= 2) {
    const load = await measureLoad(clients, url)
    if (load.p99 > LIMIT_MS) {
      if (below === null)
        throw new Error(`a p99 of ${load.p99.toFixed(0)} ms with ${clients} clients: the machine is too busy`)
      const fraction = (LIMIT_MS - below.p99) / (load.p99 - below.p99)
      return below.perSecond + fraction * (load.perSecond - below.perSecond)
    }
    below = load
  }
  throw new Error(`${MOST_CLIENTS} clients do not reach a p99 of ${LIMIT_MS} ms`)
}

const contender = (name: string, { url }: { url: string }) => ({ name, perSecond: () => sustained(url) })
const [batched, alone, piscina] = services as [Service, Service, Service]
await compareInRounds(
  `The real model over HTTP, with as many clients as reach a p99 of ${LIMIT_MS} ms`,
  'requests/s',
  [
    contender('in batches of up to 16', batched),
    contender('one at a time', alone),
    contender('one piscina task a request', piscina),
  ],
  Number(asked.rounds),
)
for (const { server } of services) server.disconnect()

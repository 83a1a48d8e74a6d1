// The server of bench/speed/http.ts, in its own process, over HTTP/1.1 and HTTP/2. It answers every path at once, but
// `/after/2` 2 ms later, `/redirect` with a redirect to `/`, and `/stalling` after the stall of 1 s that `/stall` begins.
// It records how long it took to answer each request, and sends that when asked.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createHistogram } from 'node:perf_hooks'

/** What the server has recorded since it was last asked. */
export interface Served {
  requests: number
  p50Ms: number
  p99Ms: number
}

const STALL_MS = 1000
let stalledUntil = 0
let tookNs = createHistogram()

function answer(request: Pick<IncomingMessage, 'url'>, response: ServerResponse): void {
  const begun = performance.now()
  response.on('finish', () => tookNs.record(Math.max(1, Math.round((performance.now() - begun) * 1e6))))
  const url = request.url ?? ''
  if (url === '/redirect') response.writeHead(302, { location: '/' })
  if (url === '/stall') stalledUntil = begun + STALL_MS
  const afterMs = url === '/stalling' ? stalledUntil - begun : Number(/^\/after\/(\d+)/.exec(url)?.[1] ?? 0)
  if (afterMs > 0) setTimeout(() => response.end('ok'), afterMs)
  else response.end('ok')
}

async function listen(server: Pick<Server, 'listen' | 'address'> & NodeJS.EventEmitter): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const port = await listen(createServer(answer))
const http2Port = await listen(
  createHttp2Server((request, response) => answer(request, response as unknown as ServerResponse)) as unknown as Server,
)
process.on('message', () => {
  const served: Served = {
    requests: tookNs.count,
    p50Ms: tookNs.percentile(50) / 1e6,
    p99Ms: tookNs.percentile(99) / 1e6,
  }
  tookNs = createHistogram()
  process.send?.(served)
})
process.on('disconnect', () => process.exit())
process.send?.({ url: `http://127.0.0.1:${port}`, http2Url: `http://127.0.0.1:${http2Port}` })

// The server of bench/speed/http.ts, in its own process: answers at once, except during a stall of 1 s on request.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

let stalledUntil = 0
const server = createServer((request, response) => {
  if (request.url === '/stall') stalledUntil = performance.now() + 1000
  const left = request.url === '/stalling' ? stalledUntil - performance.now() : 0
  if (left > 0) setTimeout(() => response.end('ok'), left)
  else response.end('ok')
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

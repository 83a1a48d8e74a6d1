import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'

// a server that streams tokens; it does not keep a process alive
const server = createServer(async (_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const token of [1, 2, 3]) {
    await setTimeout(5)
    response.write(`data: ${token}\n\n`)
  }
  response.end('data: [DONE]\n\n')
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
server.unref()

export const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

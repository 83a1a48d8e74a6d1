// A server that holds its responses until as many requests have come as its argument says.
import { createServer } from 'node:http'

const all = Number(process.argv[2])
const held = []
const server = createServer((_, response) => {
  held.push(response)
  if (held.length === all) for (const each of held) each.end('ok')
})
server.keepAliveTimeout = 60_000
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.send(server.address().port))
process.on('disconnect', () => process.exit())

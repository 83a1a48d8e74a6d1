import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'

/** Runs something against an HTTP server on a thread, which answers every request at once. */
export async function withNoOpServer<Value>(run: (url: string) => Promise<Value>): Promise<Value> {
  const { port1, port2 } = new MessageChannel()
  const pool = await startPool(1)
  try {
    const served = pool.run(taskOf(new URL('./no-op-server.js', import.meta.url), 'serveNoOp', port2), {
      ...ENTRY,
      transferList: [port2],
    })
    // it ends early only if it cannot listen
    const [port] = await Promise.race([once(port1, 'message'), served.then(() => [])])
    const value = await run(`http://127.0.0.1:${port}/`)
    port1.close()
    await served
    return value
  } finally {
    port1.close()
    await pool.destroy()
  }
}

/** Serves until the channel closes. */
export async function serveNoOp(channel: MessagePort): Promise<void> {
  const server = createServer((_, response) => response.end('ok'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  channel.postMessage((server.address() as AddressInfo).port)
  await once(channel, 'close')
  server.close()
  server.closeAllConnections()
}

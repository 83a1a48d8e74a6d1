import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { buildConnector } from 'undici'
import { expect, it } from 'vitest'
import { connectDirectly } from '../../src/measure/servers/http/direct-reads.js'

/** Connects to a server that answers each connection with this text, and ends it. */
async function connected(text: string): Promise<Socket> {
  const server = createServer((socket) => socket.end(text))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connect = connectDirectly(buildConnector, {})
  const to = { hostname: '127.0.0.1', protocol: 'http:', port: String(port) }
  return new Promise((resolve, reject) => {
    connect(to, (error, socket) => {
      server.close()
      if (error === null) resolve(socket)
      else reject(error)
    })
  })
}

it('hands over what was read within the read, and then the end', async () => {
  const socket = await connected('abc')
  const read: unknown[] = []
  socket.on('readable', () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) read.push(String(chunk))
    // nothing was queued
    expect(socket.readableLength).toBe(0)
  })
  await once(socket, 'end')
  expect(read).toEqual(['abc'])
})

it('queues data until a reader takes it', async () => {
  const socket = await connected('abc')
  while (socket.readableLength < 3) await new Promise((resolve) => setImmediate(resolve))
  expect(String(socket.read())).toBe('abc')
  socket.resume()
  await once(socket, 'end')
})

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** An HTTP server that runs a test's script, and records requests and connections. */
export interface Scripted {
  url: string
  server: Server
  /** the requests, in order */
  received: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[]
  /** open connections */
  sockets: Set<Socket>
  /** how many connections were opened */
  connections: number
  close(): Promise<void>
}

export type Script = (request: IncomingMessage & { number: number; text: string }, response: ServerResponse) => void

/** Starts a server that runs the script for each request. */
export async function startServer(script: Script, host = '127.0.0.1'): Promise<Scripted> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    const number = numbers++
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      scripted.received.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: text,
      })
      script(Object.assign(request, { number, text }), response)
    })
  })
  let numbers = 0
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const scripted: Scripted = {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    server,
    received: [],
    sockets: new Set(),
    connections: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  server.on('connection', (socket) => {
    scripted.connections++
    scripted.sockets.add(socket)
    socket.on('close', () => scripted.sockets.delete(socket))
  })
  return scripted
}

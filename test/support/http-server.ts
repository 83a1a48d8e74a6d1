import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** An HTTP server that does what a test says, and knows what it was sent and who is connected. */
export interface Scripted {
  url: string
  server: Server
  /** what it was asked, in order */
  asked: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[]
  /** connections that are open */
  sockets: Set<Socket>
  /** connections there have been */
  connections: number
  close(): Promise<void>
}

export type Script = (request: IncomingMessage & { number: number; text: string }, response: ServerResponse) => void

export async function serverThat(script: Script): Promise<Scripted> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    const number = numbers++
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      scripted.asked.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: text,
      })
      script(Object.assign(request, { number, text }), response)
    })
  })
  let numbers = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const scripted: Scripted = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    asked: [],
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

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import { createReportHandler } from '../../report/html/handler.js'
import type { Result } from '../../result/result.js'
import { isLoopback, withoutBrackets } from './loopback.js'

/** The task of the thread that serves the live report. */
export interface LiveTask {
  host: string
  /** 0 is any free port */
  port: number
  /** receives results to show, and gets the port that the server listens on */
  channel: MessagePort
}

const REFRESH = '2s'

/**
 * Serves the newest result as HTML until the channel closes. It has a thread of its own, since rendering takes tens of
 * milliseconds, which would delay requests that the main thread serves.
 */
export async function serveLive({ host, port, channel }: LiveTask): Promise<void> {
  let latest: Result | null = null
  const report = createReportHandler(() => latest, { title: 'Live report', refresh: REFRESH })
  const server = createServer((request, response) => {
    const name = nameOf(request)
    // a web page whose domain resolves to 127.0.0.1 would name its domain
    if (isLoopback(address) && name !== host && !isLoopback(name)) response.writeHead(403).end()
    else report(request, response)
  })
  server.listen(port, host)
  // rejects if it cannot listen
  await once(server, 'listening')
  const { address, port: actual } = server.address() as AddressInfo
  channel.on('message', (result: Result | null) => {
    latest = result
  })
  const closed = once(channel, 'close')
  channel.postMessage(actual)
  await closed
  server.close()
  server.closeAllConnections()
}

/** The machine that a request names, without the port. */
const nameOf = ({ headers }: IncomingMessage) => withoutBrackets((headers.host ?? '').replace(/:\d+$/, ''))

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import type { Result } from '../../result/result.js'
import { prometheusText } from '../../serve/exporters/prometheus.js'
import { resultMetrics } from '../../serve/exporters/result-metrics.js'
import { messageOf } from '../../validation/validation-error.js'
import { isLoopback, withoutBrackets } from './loopback.js'
import { MetricsPush, PROMETHEUS_TEXT, type PushTarget } from './push.js'

/** The task of the thread that shows a run in progress to others. */
export interface LiveTask {
  /** where to serve the report and the metrics, or null; port 0 is any free one */
  serve: { host: string; port: number } | null
  /** what to push the metrics to */
  targets: PushTarget[]
  /** the name of the run in metrics */
  name: string
  channel: MessagePort
}

/** Messages to the thread: a result to show, or that the run is over. */
export type ToLive = Result | 'over'
/** Messages from the thread: that it is ready, and the port that it listens on; or why metrics cannot be pushed. */
export type FromLive = { port: number | null } | { flag: PushTarget['flag']; fault: string }
/** Why the thread cannot serve or push: the flag that is at fault, and the reason. */
export interface LiveRefusal {
  flag: '--live' | PushTarget['flag']
  why: string
}

const REFRESH = '2s'

/**
 * Serves and pushes the newest result until the run is over. It has a thread of its own, since rendering takes tens of
 * milliseconds, which would delay requests that the main thread serves.
 *
 * @returns why it cannot begin, or why a target did not take the figures of the finished run; empty otherwise
 */
export async function serveLive({ serve, targets, name, channel }: LiveTask): Promise<LiveRefusal[]> {
  let latest: Result | null = null
  const metrics = resultMetrics(() => latest, { name })
  const text = () => prometheusText(metrics)
  const post = (message: FromLive) => channel.postMessage(message)
  const pushes: MetricsPush[] = []
  for (const target of targets) {
    const push = new MetricsPush(target, metrics, (fault) => post({ flag: target.flag, fault }))
    try {
      await push.first()
    } catch (error) {
      return [{ flag: target.flag, why: messageOf(error) }]
    }
    pushes.push(push)
  }
  let server: Server | null
  try {
    server = serve === null ? null : await listen(serve, () => loadReport(() => latest), text)
  } catch (error) {
    return [{ flag: '--live', why: messageOf(error) }]
  }
  const over = new Promise<void>((resolve) => {
    channel.on('message', (message: ToLive) => {
      if (message === 'over') {
        resolve()
        return
      }
      latest = message
      for (const push of pushes) push.push()
    })
    channel.once('close', resolve)
  })
  post({ port: server === null ? null : (server.address() as AddressInfo).port })
  await over
  const unpushed = await Promise.all(pushes.map((push) => push.last()))
  server?.close()
  server?.closeAllConnections()
  return unpushed.filter((each) => each !== null)
}

type HandleRequest = (request: IncomingMessage, response: ServerResponse) => void

/** Loads the report, which takes longer than all else of this thread. */
async function loadReport(latest: () => Result | null): Promise<HandleRequest> {
  const { createReportHandler } = await import('../../report/html/http-handler.js')
  return createReportHandler(latest, { title: 'Live report', refresh: REFRESH })
}

/** Starts to serve the report, which is loaded at its first request, and on `/metrics` the metrics. */
async function listen(
  { host, port }: NonNullable<LiveTask['serve']>,
  load: () => Promise<HandleRequest>,
  text: () => string,
): Promise<Server> {
  let report: Promise<HandleRequest> | null = null
  const server = createServer((request, response) => {
    const { address } = server.address() as AddressInfo
    const name = nameOf(request)
    // a web page whose domain resolves to 127.0.0.1 would name its domain
    if (isLoopback(address) && name !== host && !isLoopback(name)) response.writeHead(403).end()
    else if (request.url?.split('?')[0] === '/metrics' && request.method === 'GET') {
      response.writeHead(200, { 'content-type': PROMETHEUS_TEXT, 'cache-control': 'no-store' }).end(text())
    } else {
      report ??= load()
      report.then(
        (handle) => handle(request, response),
        (error: unknown) => {
          report = null
          response.writeHead(500, { 'content-type': 'text/plain' }).end(messageOf(error))
        },
      )
    }
  })
  server.listen(port, host)
  // rejects if it cannot listen
  await once(server, 'listening')
  return server
}

/** The machine that a request names, without the port. */
const nameOf = ({ headers }: IncomingMessage) => withoutBrackets((headers.host ?? '').replace(/:\d+$/, ''))

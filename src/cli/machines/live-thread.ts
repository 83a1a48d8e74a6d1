import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import { createReportHandler } from '../../report/html/handler.js'
import type { Result } from '../../result/result.js'
import { prometheusText } from '../../serve/exporters/prometheus.js'
import { resultMetrics } from '../../serve/exporters/result-metrics.js'
import { messageOf } from '../../validation/validation-error.js'
import { isLoopback, withoutBrackets } from './loopback.js'

/** The task of the thread that shows a run in progress to others. */
export interface LiveTask {
  /** where to serve the report and the metrics, or null; port 0 is any free one */
  serve: { host: string; port: number } | null
  /** the group of a Prometheus Pushgateway to push the metrics to, or null */
  push: PushGroup | null
  /** the name of the run in metrics */
  name: string
  channel: MessagePort
}

/** A group of metrics on a Prometheus Pushgateway. */
export interface PushGroup {
  /** without credentials */
  url: string
  authorization: string | null
}

/** Messages to the thread: a result to show, or that the run is over. */
export type ToLive = Result | 'over'
/** Messages from the thread: that it is ready, and the port that it listens on; or why metrics cannot be pushed. */
export type FromLive = { port: number | null } | { fault: string }
/** Why the thread cannot serve or push: the flag that is at fault, and the reason. */
export interface LiveRefusal {
  flag: '--live' | '--pushgateway'
  why: string
}

const REFRESH = '2s'
const TEXT = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Serves and pushes the newest result until the run is over. It has a thread of its own, since rendering takes tens of
 * milliseconds, which would delay requests that the main thread serves.
 *
 * @returns a refusal if it cannot begin, or cannot push the figures of the finished run
 */
export async function serveLive({ serve, push, name, channel }: LiveTask): Promise<LiveRefusal | null> {
  let latest: Result | null = null
  const metrics = resultMetrics(() => latest, { name })
  const text = () => prometheusText(metrics)
  const post = (message: FromLive) => channel.postMessage(message)
  const gateway = push === null ? null : new Gateway(push, text, (fault) => post({ fault }))
  try {
    await gateway?.first()
  } catch (error) {
    return { flag: '--pushgateway', why: messageOf(error) }
  }
  let server: Server | null
  try {
    const report = createReportHandler(() => latest, { title: 'Live report', refresh: REFRESH })
    server = serve === null ? null : await listen(serve, report, text)
  } catch (error) {
    return { flag: '--live', why: messageOf(error) }
  }
  const over = new Promise<void>((resolve) => {
    channel.on('message', (message: ToLive) => {
      if (message === 'over') {
        resolve()
        return
      }
      latest = message
      gateway?.push()
    })
    channel.once('close', resolve)
  })
  post({ port: server === null ? null : (server.address() as AddressInfo).port })
  await over
  const fault = (await gateway?.last()) ?? null
  server?.close()
  server?.closeAllConnections()
  return fault === null ? null : { flag: '--pushgateway', why: fault }
}

/** Starts to serve the report, and on `/metrics` the metrics. */
async function listen(
  { host, port }: NonNullable<LiveTask['serve']>,
  report: (request: IncomingMessage, response: ServerResponse) => void,
  text: () => string,
): Promise<Server> {
  const server = createServer((request, response) => {
    const { address } = server.address() as AddressInfo
    const name = nameOf(request)
    // a web page whose domain resolves to 127.0.0.1 would name its domain
    if (isLoopback(address) && name !== host && !isLoopback(name)) response.writeHead(403).end()
    else if (request.url?.split('?')[0] === '/metrics' && request.method === 'GET') {
      response.writeHead(200, { 'content-type': TEXT, 'cache-control': 'no-store' }).end(text())
    } else report(request, response)
  })
  server.listen(port, host)
  // rejects if it cannot listen
  await once(server, 'listening')
  return server
}

/** The machine that a request names, without the port. */
const nameOf = ({ headers }: IncomingMessage) => withoutBrackets((headers.host ?? '').replace(/:\d+$/, ''))

/** How long a gateway may take to answer. */
const PUSH_MS = 5000

/** Pushes metrics to a group of a Prometheus Pushgateway, one push at a time: the newest, when the last is done. */
class Gateway {
  readonly #group: PushGroup
  readonly #text: () => string
  readonly #onFault: (fault: string) => void
  #pushing: Promise<void> | null = null

  constructor(group: PushGroup, text: () => string, onFault: (fault: string) => void) {
    this.#group = group
    this.#text = text
    this.#onFault = onFault
  }

  /** Pushes counts of 0, to know before the run whether the gateway takes them. */
  async first(): Promise<void> {
    await this.#put()
  }

  push(): void {
    this.#pushing ??= this.#put()
      .catch((error) => this.#onFault(messageOf(error)))
      .finally(() => {
        this.#pushing = null
      })
  }

  /** Pushes the figures of the finished run. Returns the reason if it cannot. */
  async last(): Promise<string | null> {
    await this.#pushing
    return this.#put().then(() => null, messageOf)
  }

  async #put(): Promise<void> {
    const { url, authorization } = this.#group
    const response = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': TEXT, ...(authorization !== null && { authorization }) },
      body: this.#text(),
      signal: AbortSignal.timeout(PUSH_MS),
    }).catch((error) => {
      // fetch only says that it failed; a host may have several addresses, with a reason each
      const cause = error?.cause ?? error
      throw cause instanceof AggregateError ? cause.errors[0] : cause
    })
    const said = await response.text()
    if (!response.ok) throw new Error(`status ${response.status}: ${said.trim().slice(0, 200)}`)
  }
}

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { encodeCredentials } from '../../measure/servers/http/requests.js'
import type { Result } from '../../result/result.js'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'
import { ValidationError } from '../../validation/validation-error.js'
import type { FromLive, LiveRefusal, LiveTask, ToLive } from './live-thread.js'
import { withoutBrackets } from './loopback.js'
import type { PushTarget } from './push.js'

/** How a run in progress is shown to others: addresses, or undefined. */
export interface LiveAddresses {
  /** where to serve it: `8080`, or `0.0.0.0:8080` for other machines */
  live?: string | undefined
  /** URL of a Prometheus Pushgateway */
  pushgateway?: string | undefined
  /** URL of an OpenTelemetry collector */
  otlp?: string | undefined
}

/** The report and the metrics of a run in progress, which a thread serves over HTTP and pushes. */
export class LiveReport {
  /** where they are served; null if they are only pushed */
  readonly url: string | null
  readonly #channel: MessagePort
  readonly #ended: Promise<LiveRefusal[]>

  private constructor(url: string | null, channel: MessagePort, ended: Promise<LiveRefusal[]>) {
    this.url = url
    this.#channel = channel
    this.#ended = ended
  }

  /**
   * Starts to serve and to push.
   *
   * @param name the name of the run in metrics
   * @param onFault called with the flag and the reason when metrics cannot be pushed
   * @throws ValidationError if an address is invalid, cannot be listened on, or takes no metrics
   */
  static async start(
    { live, pushgateway, otlp }: LiveAddresses,
    name: string,
    onFault: (flag: string, fault: string) => void,
  ): Promise<LiveReport> {
    const serve = live === undefined ? null : parseAddress(live)
    const targets: PushTarget[] = []
    if (pushgateway !== undefined) targets.push(parseGateway(pushgateway))
    if (otlp !== undefined) targets.push(parseCollector(otlp))
    const { port1, port2 } = new MessageChannel()
    const pool = await startPool(1)
    const task: LiveTask = { serve, targets, name, channel: port2 }
    const file = new URL('./live-thread.js', import.meta.url)
    const served: Promise<LiveRefusal[]> = pool.run(taskOf(file, 'serveLive', task), {
      ...ENTRY,
      transferList: [port2],
    })
    const ended = served.finally(() => pool.destroy())
    const ready = new Promise<{ port: number | null }>((resolve) => {
      port1.on('message', (message: FromLive) => {
        if ('port' in message) resolve(message)
        else onFault(message.flag, message.fault)
      })
    })
    try {
      const begun = await Promise.race([ready, ended])
      const refusal = Array.isArray(begun) ? begun[0] : undefined
      if (refusal !== undefined) {
        const target = targets.find(({ flag }) => flag === refusal.flag)
        const what = target === undefined ? `cannot listen on ${live}` : `cannot push to ${target.url}`
        throw new ValidationError(refusal.flag, `${what}: ${refusal.why}`)
      }
      const port = Array.isArray(begun) ? null : begun.port
      const host = serve?.host ?? ''
      const url = port === null ? null : `http://${host.includes(':') ? `[${host}]` : host}:${port}/`
      return new LiveReport(url, port1, ended)
    } catch (error) {
      port1.close()
      throw error
    }
  }

  show(result: Result): void {
    this.#channel.postMessage(result satisfies ToLive)
  }

  /** Shows the last result and ends. Returns why its metrics could not be pushed, for each flag that asked for it. */
  async close(): Promise<LiveRefusal[]> {
    this.#channel.postMessage('over' satisfies ToLive)
    const unpushed = await this.#ended
    this.#channel.close()
    return unpushed
  }
}

function parseAddress(address: string): { host: string; port: number } {
  const [, name = '127.0.0.1', digits] = /^(?:(.+):)?(\d{1,5})$/.exec(address.trim()) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) {
    throw new ValidationError(
      '--live',
      `must be a port of this machine, or an address with a port, such as 8080 or 0.0.0.0:8080, got '${address}'`,
    )
  }
  return { host: withoutBrackets(name), port }
}

/** The group of a gateway to push to: that of the URL if it names one, else the job `throughline`. */
function parseGateway(text: string): PushTarget {
  const { url, headers } = parseTarget('--pushgateway', 'a Prometheus Pushgateway, such as http://10.0.0.5:9091', text)
  if (!url.pathname.includes('/metrics/job/')) addPath(url, '/metrics/job/throughline')
  return { flag: '--pushgateway', url: url.href, headers, resource: {} }
}

/** A collector to push to, with the headers and the resource that the standard variables of OpenTelemetry give. */
function parseCollector(text: string): PushTarget {
  const { url, headers } = parseTarget('--otlp', 'an OpenTelemetry collector, such as http://10.0.0.5:4318', text)
  if (!url.pathname.endsWith('/v1/metrics')) addPath(url, '/v1/metrics')
  const name = process.env.OTEL_SERVICE_NAME
  return {
    flag: '--otlp',
    url: url.href,
    headers: { ...headers, ...pairsOf('OTEL_EXPORTER_OTLP_HEADERS') },
    resource: {
      'service.name': 'throughline',
      ...pairsOf('OTEL_RESOURCE_ATTRIBUTES'),
      ...(name !== undefined && name !== '' && { 'service.name': name }),
    },
  }
}

/** A URL without its credentials, which become a header. */
function parseTarget(flag: string, what: string, text: string): { url: URL; headers: Record<string, string> } {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ValidationError(flag, `must be the URL of ${what}, got '${text}'`)
  }
  const authorization = encodeCredentials(url)
  url.username = ''
  url.password = ''
  return { url, headers: authorization === null ? {} : { authorization } }
}

function addPath(url: URL, path: string): void {
  url.pathname = url.pathname.replace(/\/+$/, '') + path
}

/** The pairs of a variable of the environment, such as `api-key=secret,team=a%20b`. */
function pairsOf(variable: string): Record<string, string> {
  const pairs = (process.env[variable] ?? '').split(',').filter((pair) => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key, value] = /^\s*([^=\s]+)\s*=(.*)$/.exec(pair) ?? []
      try {
        if (key !== undefined && value !== undefined) return [key, decodeURIComponent(value.trim())]
      } catch {
        // it is refused, without its value, which may be a secret
      }
      throw new ValidationError(variable, 'must be pairs with encoded values, such as api-key=secret,team=a%20b')
    }),
  )
}

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { encodeCredentials } from '../../measure/servers/http/requests.js'
import type { Result } from '../../result/result.js'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'
import { ValidationError } from '../../validation/validation-error.js'
import type { FromLive, LiveRefusal, LiveTask, PushGroup, ToLive } from './live-thread.js'
import { withoutBrackets } from './loopback.js'

/** How a run in progress is shown to others: addresses, or undefined. */
export interface LiveAddresses {
  /** where to serve it: `8080`, or `0.0.0.0:8080` for other machines */
  live?: string | undefined
  /** URL of a Prometheus Pushgateway */
  pushgateway?: string | undefined
}

/** The report and the metrics of a run in progress, which a thread serves over HTTP and pushes. */
export class LiveReport {
  /** where they are served; null if they are only pushed */
  readonly url: string | null
  readonly #channel: MessagePort
  readonly #ended: Promise<LiveRefusal | null>

  private constructor(url: string | null, channel: MessagePort, ended: Promise<LiveRefusal | null>) {
    this.url = url
    this.#channel = channel
    this.#ended = ended
  }

  /**
   * Starts to serve and to push.
   *
   * @param name the name of the run in metrics
   * @param onFault called with the reason when metrics cannot be pushed
   * @throws ValidationError if an address is invalid, cannot be listened on, or takes no metrics
   */
  static async start(
    { live, pushgateway }: LiveAddresses,
    name: string,
    onFault: (fault: string) => void,
  ): Promise<LiveReport> {
    const serve = live === undefined ? null : parseAddress(live)
    const push = pushgateway === undefined ? null : parseGateway(pushgateway)
    const { port1, port2 } = new MessageChannel()
    const pool = await startPool(1)
    const task: LiveTask = { serve, push, name, channel: port2 }
    const file = new URL('./live-thread.js', import.meta.url)
    const served: Promise<LiveRefusal | null> = pool.run(taskOf(file, 'serveLive', task), {
      ...ENTRY,
      transferList: [port2],
    })
    const ended = served.finally(() => pool.destroy())
    const ready = new Promise<{ port: number | null }>((resolve) => {
      port1.on('message', (message: FromLive) => {
        if ('port' in message) resolve(message)
        else onFault(message.fault)
      })
    })
    try {
      const begun = await Promise.race([ready, ended])
      if (begun !== null && 'flag' in begun) {
        const what = begun.flag === '--live' ? `cannot listen on ${live}` : `cannot push to ${push?.url}`
        throw new ValidationError(begun.flag, `${what}: ${begun.why}`)
      }
      const port = begun?.port ?? null
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

  /** Shows the last result and ends. Returns the reason if its metrics could not be pushed. */
  async close(): Promise<string | null> {
    this.#channel.postMessage('over' satisfies ToLive)
    const refusal = await this.#ended
    this.#channel.close()
    return refusal?.why ?? null
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
function parseGateway(text: string): PushGroup {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ValidationError(
      '--pushgateway',
      `must be the URL of a Prometheus Pushgateway, such as http://10.0.0.5:9091, got '${text}'`,
    )
  }
  if (!url.pathname.includes('/metrics/job/')) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/metrics/job/throughline`
  }
  const authorization = encodeCredentials(url)
  url.username = ''
  url.password = ''
  return { url: url.href, authorization }
}

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Result } from '../../result/result.js'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'
import { messageOf, ValidationError } from '../../validation/validation-error.js'
import type { LiveTask } from './live-thread.js'
import { withoutBrackets } from './loopback.js'

/** The report of a run in progress, which a thread serves over HTTP. */
export class LiveReport {
  /** where it is served */
  readonly url: string
  readonly #channel: MessagePort
  readonly #ended: Promise<void>

  private constructor(url: string, channel: MessagePort, ended: Promise<void>) {
    this.url = url
    this.#channel = channel
    this.#ended = ended
  }

  /**
   * Starts to serve on an address: `8080`, or `0.0.0.0:8080` for other machines.
   *
   * @throws ValidationError if the address is invalid or cannot be listened on
   */
  static async start(address: string): Promise<LiveReport> {
    const { host, port } = parseAddress(address)
    const { port1, port2 } = new MessageChannel()
    const pool = await startPool(1)
    const task: LiveTask = { host, port, channel: port2 }
    const file = new URL('./live-thread.js', import.meta.url)
    const served: Promise<void> = pool.run(taskOf(file, 'serveLive', task), { ...ENTRY, transferList: [port2] })
    const ended = served.finally(() => pool.destroy())
    const listening = new Promise<number>((resolve) => port1.once('message', resolve))
    try {
      const actual = await Promise.race([listening, ended.then(() => port)])
      return new LiveReport(`http://${host.includes(':') ? `[${host}]` : host}:${actual}/`, port1, ended)
    } catch (error) {
      port1.close()
      throw new ValidationError('--live', `cannot listen on ${address}: ${messageOf(error)}`, { cause: error })
    }
  }

  show(result: Result): void {
    this.#channel.postMessage(result)
  }

  async close(): Promise<void> {
    this.#channel.close()
    await this.#ended
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

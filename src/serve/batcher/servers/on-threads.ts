import type { LiveBatch } from '../live-batch.js'
import type { Servers } from './servers.js'
import { ThreadProxy, type ThreadSettings } from './thread-proxy.js'

/** Servers of a handler's module: a thread for each. */
export class ThreadServers implements Servers {
  readonly count: number
  readonly inThisProcess = false
  readonly #threads: ThreadProxy[]

  /** @param onIdleExit called when the thread of an idle server has exited */
  constructor(settings: ThreadSettings, count: number, onIdleExit: (server: number) => void) {
    this.count = count
    this.#threads = Array.from({ length: count }, (_, server) => new ThreadProxy(settings, () => onIdleExit(server)))
  }

  prepare(server: number): Promise<void> | null {
    return this.#thread(server).prepare()
  }

  serve(batch: LiveBatch, inputs: unknown[]): void {
    this.#thread(batch.server).serve(batch, inputs)
  }

  giveUp({ server }: LiveBatch): void {
    this.#thread(server).giveUp()
  }

  #thread(server: number): ThreadProxy {
    return this.#threads[server] as ThreadProxy
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#threads.map((thread) => thread.close()))
    for (const each of closed) if (each.status === 'rejected') throw each.reason
  }
}

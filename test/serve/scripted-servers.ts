import type { LiveBatch } from '../../src/serve/batcher/live-batch.js'
import type { Servers } from '../../src/serve/batcher/servers/servers.js'

/** Actions in order of time; actions of one time in the order in which they were added. */
export class Agenda {
  #entries: { ns: number; act: () => void }[] = []

  get firstNs(): number {
    return this.#entries[0]?.ns ?? Number.POSITIVE_INFINITY
  }
  add(ns: number, act: () => void): void {
    const at = this.#entries.findIndex((entry) => entry.ns > ns)
    this.#entries.splice(at < 0 ? this.#entries.length : at, 0, { ns, act })
  }
  /** Does the first action. */
  act(): void {
    this.#entries.shift()?.act()
  }
}

/** Servers that a test scripts. */
export class ScriptedServers implements Servers {
  readonly count: number
  readonly inThisProcess = true
  readonly #serve: (batch: LiveBatch, inputs: unknown[]) => void
  closes = 0

  constructor(count: number, serve: (batch: LiveBatch, inputs: unknown[]) => void) {
    this.count = count
    this.#serve = serve
  }

  prepare(_server: number): Promise<void> | null {
    return null
  }
  serve(batch: LiveBatch, inputs: unknown[]): void {
    this.#serve(batch, inputs)
  }
  giveUp(): void {}
  async close(): Promise<void> {
    this.closes++
  }
}

import type { LiveBatch } from '../live-batch.js'

/** The servers of a batcher, numbered from 0. Each serves one batch at a time. */
export interface Servers {
  readonly count: number
  /** whether a handler blocks this thread while it computes */
  readonly inThisProcess: boolean
  /**
   * Makes a server ready for a batch: at the start and after each batch.
   *
   * @returns null if it is ready; rejects if it cannot be made ready, and may be called again
   */
  prepare(server: number): Promise<void> | null
  /** Starts a batch, and ends it at some time unless it is given up. Does not throw. */
  serve(batch: LiveBatch, inputs: unknown[]): void
  /** Gives up a batch that its server still serves: nothing waits for it any more. */
  giveUp(batch: LiveBatch, reason: Error): void
  /** Releases everything, whatever the servers are doing. Rejects with what went wrong. */
  close(): Promise<void>
}

import type { Flight } from './in-flight-batch.js'

/** What serves batches: as many side by side as there are servers, numbered from 0. */
export interface Servers {
  /** how many */
  readonly count: number
  /** whether serving may keep this process from all else */
  readonly inThisProcess: boolean
  /**
   * Makes a server ready to take a batch; null where it is. Asked at first, and after each batch.
   *
   * @returns rejects where it cannot be made ready, and may be asked again
   */
  prepare(server: number): Promise<void> | null
  /** Begins to serve a batch, and ends it sooner or later, unless it is given up. Does not throw. */
  serve(flight: Flight, inputs: unknown[]): void
  /** Nobody waits for a batch any more that a server is serving. */
  giveUp(flight: Flight, reason: Error): void
  /** Lets go of everything, whatever they do. Rejects with what went wrong in that. */
  close(): Promise<void>
}

/** Who wants to know that an idle server is not ready any more. */
export type Lost = (server: number) => void

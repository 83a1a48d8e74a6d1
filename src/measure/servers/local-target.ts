import type { InFlightBatch } from './in-flight-batch.js'

/** What serves batches in this process. */
export interface LocalTarget {
  /** What the batch's requests carry; made before the batch starts. */
  payload(inFlight: InFlightBatch): unknown
  /** Begins to serve the batch, and ends it sooner or later. */
  serve(inFlight: InFlightBatch): void
  /** What a batch that is late is said to have done. */
  took: string
  /** Lets go of what it holds. Rejects with what went wrong in that. */
  close(): Promise<void>
}

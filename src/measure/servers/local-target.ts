import type { ConnectionsRecording } from '../../result/connections.js'
import type { Finding } from '../../result/validity.js'
import type { InFlightBatch } from './in-flight-batch.js'

/** A target that serves batches in this process. */
export interface LocalTarget {
  /** Makes the input of the batch's requests, before the batch starts. */
  payload(inFlight: InFlightBatch): unknown
  /** Starts to serve the batch, and ends it later. */
  serve(inFlight: InFlightBatch): void
  /** The subject and verb of the timeout message, such as `call took`. */
  took: string
  /** Findings about the run, once it is over. */
  findings?(): Finding[]
  /** What it recorded of its connections; absent if it has none, or does not open them itself. */
  connections?(): ConnectionsRecording
  /** Releases resources. Rejects with the error of the teardown. */
  close(): Promise<void>
}

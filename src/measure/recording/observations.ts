import { CAUSES, type Cause } from '../../scenario/batching-policy.js'
import type { Batch } from '../queue/batch.js'

/** A batch as it was served; times in nanoseconds from the start of the run. */
export interface Observation {
  /** its requests' numbers, in order, when each was due, and when it was queued */
  requests: number[]
  dueNs: number[]
  queuedNs: number[]
  size: number
  /** when its server became idle */
  freeNs: number
  /** when it left the queue, and why */
  leaveNs: number
  cause: Cause
  startNs: number
  endNs: number
}

const COUNT = 0
const RECORDED = 1
const HEADER = 2
const LENGTH = 6
/** Room for requests, per batch. If batches are larger, fewer of them are kept. */
const REQUESTS = 16
/** The fields of a request: number, due time and queued time. */
const OF_REQUEST = 3

/**
 * The first batches that one server served in the window, one by one.
 *
 * ```
 * buffer, in doubles: | batches | requests | 6 a batch | number, due, queued: 3 a request |
 * ```
 */
export class Observations {
  readonly #values: Float64Array
  readonly #requests: Float64Array
  readonly #most: number

  /** The size of their memory in bytes. */
  static bytes(most: number, maxBatchSize: number): number {
    return 8 * (HEADER + most * lengthOf(maxBatchSize))
  }

  constructor(buffer: SharedArrayBuffer, maxBatchSize: number) {
    const values = new Float64Array(buffer)
    this.#most = (values.length - HEADER) / lengthOf(maxBatchSize)
    this.#values = values.subarray(0, HEADER + LENGTH * this.#most)
    this.#requests = values.subarray(HEADER + LENGTH * this.#most)
  }

  get count(): number {
    return this.#values[COUNT] as number
  }

  record({ numbers, dueNs, queuedNs, size, freeNs, leaveNs, cause, startNs, endNs }: Batch): void {
    const values = this.#values
    const requests = this.#requests
    const count = this.count
    const recorded = values[RECORDED] as number
    if (count === this.#most || OF_REQUEST * (recorded + size) > requests.length) return
    for (let i = 0; i < size; i++) {
      const at = OF_REQUEST * (recorded + i)
      requests[at] = numbers[i] as number
      requests[at + 1] = dueNs[i] as number
      requests[at + 2] = queuedNs[i] as number
    }
    values[RECORDED] = recorded + size
    let at = HEADER + LENGTH * count
    values[at++] = size
    values[at++] = freeNs
    values[at++] = leaveNs
    values[at++] = CAUSES.indexOf(cause)
    values[at++] = startNs
    values[at] = endNs
    values[COUNT] = count + 1
  }

  read(): Observation[] {
    let read = 0
    return Array.from({ length: this.count }, (_, i) => {
      const at = HEADER + LENGTH * i
      const [size, freeNs, leaveNs, cause, startNs, endNs] = this.#values.subarray(at, at + LENGTH)
      const column = (k: number) =>
        Array.from({ length: size as number }, (_, j) => this.#requests[OF_REQUEST * (read + j) + k] as number)
      const [requests, dueNs, queuedNs] = [column(0), column(1), column(2)]
      read += size as number
      const of = { size, freeNs, leaveNs, cause: CAUSES[cause as number], startNs, endNs }
      return { requests, dueNs, queuedNs, ...of } as Observation
    })
  }
}

const lengthOf = (maxBatchSize: number) => LENGTH + OF_REQUEST * Math.min(maxBatchSize, REQUESTS)

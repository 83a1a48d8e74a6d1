import { CAUSES, type Cause } from '../scenario/policy.js'
import type { Batch } from './batch.js'

/** A batch as it was served; times in nanoseconds from the start of the run. */
export interface Observation {
  /** its requests' numbers, in order */
  requests: number[]
  size: number
  /** since when a server had been idle for it */
  freeNs: number
  /** when the policy let it go, and why */
  leaveNs: number
  cause: Cause
  startNs: number
  endNs: number
}

const COUNT = 0
const NUMBERS = 1
const HEADER = 2
const LENGTH = 6
/** There is room for the numbers of so many requests a batch; where batches are larger, fewer of them are kept. */
const REQUESTS = 16
const requestsOf = (maxBatchSize: number) => Math.min(maxBatchSize, REQUESTS)

/** The first batches that one server served in the window, one by one. */
export class Observations {
  readonly #values: Float64Array
  readonly #numbers: Uint32Array
  readonly #most: number

  /** How much memory so many of them take. */
  static bytes(most: number, maxBatchSize: number): number {
    return 8 * (HEADER + LENGTH * most) + 4 * most * requestsOf(maxBatchSize)
  }

  constructor(buffer: SharedArrayBuffer, maxBatchSize: number) {
    const requests = requestsOf(maxBatchSize)
    this.#most = (buffer.byteLength - 8 * HEADER) / (8 * LENGTH + 4 * requests)
    const values = HEADER + LENGTH * this.#most
    this.#values = new Float64Array(buffer, 0, values)
    this.#numbers = new Uint32Array(buffer, 8 * values)
  }

  get count(): number {
    return this.#values[COUNT] as number
  }

  record({ numbers, size, freeNs, leaveNs, cause, startNs, endNs }: Batch): void {
    const values = this.#values
    const count = this.count
    const recorded = values[NUMBERS] as number
    if (count === this.#most || recorded + size > this.#numbers.length) return
    for (let i = 0; i < size; i++) this.#numbers[recorded + i] = numbers[i] as number
    values[NUMBERS] = recorded + size
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
      const requests = [...this.#numbers.subarray(read, read + (size as number))]
      read += size as number
      return { requests, size, freeNs, leaveNs, cause: CAUSES[cause as number], startNs, endNs } as Observation
    })
  }
}

import { CAUSES, type Cause } from '../scenario/policy.js'
import type { Batch } from './batch.js'

/** A batch as it was served; times in nanoseconds from the start of the run. */
export interface Observation {
  /** the number of its first request */
  first: number
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
const HEADER = 1
const LENGTH = 7

/** The first batches that one server served in the window, one by one. */
export class Observations {
  readonly #values: Float64Array
  readonly #most: number

  static bytes(most: number): number {
    return 8 * (HEADER + LENGTH * most)
  }

  constructor(buffer: SharedArrayBuffer) {
    this.#values = new Float64Array(buffer)
    this.#most = (this.#values.length - HEADER) / LENGTH
  }

  get count(): number {
    return this.#values[COUNT] as number
  }

  record({ first, size, freeNs, leaveNs, cause, startNs, endNs }: Batch): void {
    const values = this.#values
    const count = this.count
    if (count === this.#most) return
    let at = HEADER + LENGTH * count
    values[at++] = first
    values[at++] = size
    values[at++] = freeNs
    values[at++] = leaveNs
    values[at++] = CAUSES.indexOf(cause)
    values[at++] = startNs
    values[at] = endNs
    values[COUNT] = count + 1
  }

  read(): Observation[] {
    return Array.from({ length: this.count }, (_, i) => {
      const at = HEADER + LENGTH * i
      const [first, size, freeNs, leaveNs, cause, startNs, endNs] = this.#values.subarray(at, at + LENGTH)
      return { first, size, freeNs, leaveNs, cause: CAUSES[cause as number], startNs, endNs } as Observation
    })
  }
}

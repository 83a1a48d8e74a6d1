/**
 * A binary min-heap of times, each with a whole number. Equal times are ordered by number. It consists of two parallel
 * typed arrays and no objects; `add` and `take` cost O(log n).
 *
 * ```
 * buffer: | times: capacity doubles | numbers: capacity int32 | size: int32 |
 * ```
 */
export class Heap {
  readonly #times: Float64Array
  readonly #numbers: Int32Array
  readonly #size: Int32Array

  static bytes(capacity: number): number {
    return 12 * capacity + 4
  }

  /** @param buffer shared memory, possibly filled by another thread's heap; allocated if omitted */
  constructor(capacity: number, buffer?: ArrayBufferLike, offset = 0) {
    const memory = buffer ?? new ArrayBuffer(Heap.bytes(capacity))
    this.#times = new Float64Array(memory, offset, capacity)
    this.#numbers = new Int32Array(memory, offset + 8 * capacity, capacity)
    this.#size = new Int32Array(memory, offset + 12 * capacity, 1)
    if (this.size === 0) this.#times.fill(Number.POSITIVE_INFINITY)
  }

  get size(): number {
    return this.#size[0] as number
  }

  /** The earliest time; Infinity if empty. */
  get first(): number {
    return this.#times[0] as number
  }

  add(time: number, number: number): void {
    const times = this.#times
    const numbers = this.#numbers
    const size = this.size
    this.#size[0] = size + 1
    if (size === 0) {
      times[0] = time
      numbers[0] = number
      return
    }
    let at = size
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = times[parent] as number
      if (above < time || (above === time && (numbers[parent] as number) <= number)) break
      times[at] = above
      numbers[at] = numbers[parent] as number
      at = parent
    }
    times[at] = time
    numbers[at] = number
  }

  /** Removes the earliest time and returns its number. */
  take(): number {
    const times = this.#times
    const numbers = this.#numbers
    const taken = numbers[0] as number
    const size = this.size - 1
    this.#size[0] = size
    if (size === 0) {
      times[0] = Number.POSITIVE_INFINITY
      return taken
    }
    const time = times[size] as number
    const number = numbers[size] as number
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      const right = child + 1
      if (right < size && this.#before(right, child)) child = right
      const below = times[child] as number
      if (time < below || (time === below && number <= (numbers[child] as number))) break
      times[at] = below
      numbers[at] = numbers[child] as number
      at = child
    }
    times[at] = time
    numbers[at] = number
    // unused places hold Infinity
    times[size] = Number.POSITIVE_INFINITY
    return taken
  }

  /** Visits every entry, in no particular order. */
  forEach(visit: (time: number, number: number) => void): void {
    for (let i = 0; i < this.size; i++) visit(this.#times[i] as number, this.#numbers[i] as number)
  }

  #before(a: number, b: number): boolean {
    const times = this.#times
    if (times[a] !== times[b]) return (times[a] as number) < (times[b] as number)
    return (this.#numbers[a] as number) < (this.#numbers[b] as number)
  }
}

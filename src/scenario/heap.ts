/**
 * Times with a whole number each, of which the earliest is taken first, and of equal times the least number.
 * Two parallel typed arrays and no objects: adding and taking cost log2 of the size.
 */
export class Heap {
  #times: Float64Array
  #numbers: Int32Array
  size = 0

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity).fill(Number.POSITIVE_INFINITY)
    this.#numbers = new Int32Array(capacity)
  }

  /** The earliest time; Infinity when there is none. */
  get first(): number {
    return this.#times[0] as number
  }

  add(time: number, number: number): void {
    const times = this.#times
    const numbers = this.#numbers
    if (this.size === 0) {
      times[0] = time
      numbers[0] = number
      this.size = 1
      return
    }
    let at = this.size++
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

  /** Takes the earliest and returns its number. */
  take(): number {
    const times = this.#times
    const numbers = this.#numbers
    const taken = numbers[0] as number
    const size = --this.size
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
    // beyond the last there is no time at all
    times[size] = Number.POSITIVE_INFINITY
    return taken
  }

  /** Calls back for each, in no order. */
  forEach(visit: (time: number, number: number) => void): void {
    for (let i = 0; i < this.size; i++) visit(this.#times[i] as number, this.#numbers[i] as number)
  }

  #before(a: number, b: number): boolean {
    const times = this.#times
    if (times[a] !== times[b]) return (times[a] as number) < (times[b] as number)
    return (this.#numbers[a] as number) < (this.#numbers[b] as number)
  }
}

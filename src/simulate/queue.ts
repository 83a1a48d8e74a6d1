/**
 * The requests that wait, oldest first: parallel typed arrays in a ring that doubles when it is full. Positions
 * count up from 0 for ever; `head` is the oldest request's and `tail` the next one's.
 */
export class Queue {
  #mask = 1023
  #due = new Float64Array(1024)
  #number = new Float64Array(1024)
  #idle = new Float64Array(1024)
  #client = new Int32Array(1024)
  head = 0
  tail = 0

  get length(): number {
    return this.tail - this.head
  }

  /**
   * @param number which request of the run it is
   * @param idleNs for how long some server had been idle in all when it joined
   * @param client who sent it, in a closed loop
   */
  push(due: number, number: number, idleNs: number, client: number): void {
    if (this.tail - this.head > this.#mask) this.#grow()
    const at = this.tail++ & this.#mask
    this.#due[at] = due
    this.#number[at] = number
    this.#idle[at] = idleNs
    this.#client[at] = client
  }

  due(position: number): number {
    return this.#due[position & this.#mask] as number
  }
  number(position: number): number {
    return this.#number[position & this.#mask] as number
  }
  idleNs(position: number): number {
    return this.#idle[position & this.#mask] as number
  }
  client(position: number): number {
    return this.#client[position & this.#mask] as number
  }

  #grow(): void {
    const old = this.#mask
    const mask = 2 * old + 1
    const moved = <T extends Float64Array | Int32Array>(from: T, to: T): T => {
      for (let position = this.head; position < this.tail; position++)
        to[position & mask] = from[position & old] as number
      return to
    }
    this.#due = moved(this.#due, new Float64Array(mask + 1))
    this.#number = moved(this.#number, new Float64Array(mask + 1))
    this.#idle = moved(this.#idle, new Float64Array(mask + 1))
    this.#client = moved(this.#client, new Int32Array(mask + 1))
    this.#mask = mask
  }
}

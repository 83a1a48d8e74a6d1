const HEADER_BYTES = 64

/**
 * What the clients of a closed loop are told: that their request has been answered, and when. Whoever answers puts the
 * client on a stack, which the generator takes as a whole: a client awaits one answer at a time, so that it never
 * stands there twice, and nobody waits for a lock. The top of the stack is what the generator sleeps on.
 */
export class Answers {
  readonly buffer: SharedArrayBuffer
  /** the client on top and 1, or 0 for none */
  readonly word: Int32Array
  readonly #below: Int32Array
  readonly #atNs: Float64Array

  static bytes(clients: number): number {
    return HEADER_BYTES + 12 * clients
  }

  constructor(buffer: SharedArrayBuffer) {
    const clients = (buffer.byteLength - HEADER_BYTES) / 12
    this.buffer = buffer
    this.word = new Int32Array(buffer, 0, 1)
    this.#atNs = new Float64Array(buffer, HEADER_BYTES, clients)
    this.#below = new Int32Array(buffer, HEADER_BYTES + 8 * clients, clients)
  }

  /** The first `size` of these clients have their answers at this time. */
  tell(clients: Int32Array, size: number, atNs: number): void {
    const word = this.word
    for (let i = 0; i < size; i++) {
      const client = clients[i] as number
      this.#atNs[client] = atNs
      if (i > 0) this.#below[client] = (clients[i - 1] as number) + 1
    }
    const last = clients[0] as number
    const top = (clients[size - 1] as number) + 1
    let below: number
    do {
      below = Atomics.load(word, 0)
      this.#below[last] = below
    } while (Atomics.compareExchange(word, 0, below, top) !== below)
    // on a stack that holds something nobody sleeps
    if (below === 0) Atomics.notify(word, 0)
  }

  get some(): boolean {
    return Atomics.load(this.word, 0) !== 0
  }

  /** Takes all of them, in no order; false where there was none. */
  take(answered: (client: number, atNs: number) => void): boolean {
    let link = Atomics.exchange(this.word, 0, 0)
    if (link === 0) return false
    while (link !== 0) {
      const client = link - 1
      link = this.#below[client] as number
      answered(client, this.#atNs[client] as number)
    }
    return true
  }
}

const SLEEPING = 0
const WANTED = 1
const AWAKE = 0
const ASLEEP = 1
/** A word for each server, each on a cache line of its own. */
const LINE = 16

/**
 * How idle servers sleep and are woken. A server that lies down first says so and then looks once more; whoever
 * changes the queue first changes it and then looks who sleeps. All of it is sequentially consistent, so that one
 * of the two always sees the other, and no wake-up is lost.
 */
export class Bells {
  readonly servers: number
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #call: (() => void) | null
  #next = 0

  /** @param call wakes the one that sleeps where it sleeps on something else than its word, such as an event loop */
  constructor(
    servers: number,
    buffer = new SharedArrayBuffer(4 * LINE * (servers + 1)),
    call: (() => void) | null = null,
  ) {
    this.#call = call
    this.servers = servers
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  /** Nobody needs waking until a request is queued before this place: the policy would let nothing go. */
  want(tail: number): void {
    Atomics.store(this.#words, WANTED, tail | 0)
  }

  /** Requests up to `tail` were queued: wakes a server if one sleeps that may have to do with them. */
  queued(tail: number): void {
    const words = this.#words
    if (Atomics.load(words, SLEEPING) > 0 && ((tail - Atomics.load(words, WANTED)) | 0) >= 0) this.ring()
  }

  /** Wakes one server that sleeps, if there is one, each in its turn. */
  ring(): void {
    const words = this.#words
    if (Atomics.load(words, SLEEPING) === 0) return
    for (let tried = 0; tried < this.servers; tried++) {
      const server = this.#next
      this.#next = server + 1 === this.servers ? 0 : server + 1
      if (!this.rise(server)) continue
      this.#wake(server)
      return
    }
  }

  ringAll(): void {
    for (let server = 0; server < this.servers; server++) {
      if (this.rise(server)) this.#wake(server)
    }
  }

  #wake(server: number): void {
    if (this.#call === null) Atomics.notify(this.#words, (server + 1) * LINE)
    else this.#call()
  }

  /** The server is about to sleep; it must look at the queue once more before it does. */
  lieDown(server: number): void {
    // counted first: there are never fewer than sleep
    Atomics.add(this.#words, SLEEPING, 1)
    Atomics.store(this.#words, (server + 1) * LINE, ASLEEP)
  }

  sleep(server: number, ms: number): void {
    Atomics.wait(this.#words, (server + 1) * LINE, ASLEEP, ms)
  }

  /** The server is awake, whether rung for or not; false where it was already. */
  rise(server: number): boolean {
    if (Atomics.compareExchange(this.#words, (server + 1) * LINE, ASLEEP, AWAKE) !== ASLEEP) return false
    Atomics.sub(this.#words, SLEEPING, 1)
    return true
  }
}

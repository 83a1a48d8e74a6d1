const AWAKE = 0
export const PARKED = 1
/** Each server's word has a cache line of its own. */
const LINE = 16

const NEVER = Number.POSITIVE_INFINITY

/**
 * How idle servers sleep. One server is enough to watch for the next batch: it parks until that batch leaves, and the
 * others until they are notified. Words change only under the queue's lock, so that no notification is lost.
 *
 * ```
 * buffer: | word: 64 bytes a server: AWAKE or PARKED | wakeAt: double a server |
 * ```
 */
export class Parking {
  readonly #words: Int32Array
  readonly #wakeAtNs: Float64Array

  static bytes(servers: number): number {
    return (4 * LINE + 8) * servers
  }

  constructor(buffer: ArrayBufferLike) {
    const servers = buffer.byteLength / (4 * LINE + 8)
    this.#words = new Int32Array(buffer, 0, LINE * servers)
    this.#wakeAtNs = new Float64Array(buffer, 4 * LINE * servers, servers)
  }

  /**
   * Marks the server as about to sleep, since no batch leaves before `releaseNs`.
   *
   * @returns until when it may sleep: Infinity if another server wakes by `releaseNs`
   */
  park(server: number, releaseNs: number): number {
    const wakeAtNs = this.isWatched(releaseNs) ? NEVER : releaseNs
    this.#wakeAtNs[server] = wakeAtNs
    Atomics.store(this.#words, LINE * server, PARKED)
    return wakeAtNs
  }

  /** Marks the server as awake. */
  unpark(server: number): void {
    Atomics.store(this.#words, LINE * server, AWAKE)
  }

  /** Whether the server sleeps, or is about to; false once it is notified. */
  isParked(server: number): boolean {
    return Atomics.load(this.#words, LINE * server) === PARKED
  }

  /** Whether a parked server will check the queue by `releaseNs`. */
  isWatched(releaseNs: number): boolean {
    const wakeAtNs = this.#wakeAtNs
    for (let server = 0; server < wakeAtNs.length; server++) {
      if ((wakeAtNs[server] as number) <= releaseNs && this.isParked(server)) return true
    }
    return false
  }

  /** Wakes one parked server. */
  notifyOne(): void {
    for (let server = 0; server < this.#wakeAtNs.length; server++) {
      if (!this.isParked(server)) continue
      this.#notify(server)
      return
    }
  }

  notifyAll(): void {
    for (let server = 0; server < this.#wakeAtNs.length; server++) {
      if (this.isParked(server)) this.#notify(server)
    }
  }

  /** The server's word: PARKED until it is notified or checks the queue. */
  word(server: number): Int32Array {
    return this.#words.subarray(LINE * server, LINE * server + 1)
  }

  #notify(server: number): void {
    this.unpark(server)
    Atomics.notify(this.#words, LINE * server)
  }
}

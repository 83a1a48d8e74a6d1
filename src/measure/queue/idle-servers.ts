const BUSY = Number.POSITIVE_INFINITY

/**
 * Since when each server is idle, in memory that threads share under the queue's lock: a time in nanoseconds, or BUSY
 * (Infinity). A batch leaves for the server idle longest, and whichever server takes it gives that one its own idle time, so
 * that it does not matter which server wakes first.
 */
export class IdleServers {
  protected readonly since: Float64Array

  static bytes(servers: number): number {
    return 8 * servers
  }

  /** Marks all servers as busy. */
  static initialize(since: Float64Array): void {
    since.fill(BUSY)
  }

  constructor(since: Float64Array) {
    this.since = since
  }

  free(server: number, ns: number): void {
    this.since[server] = ns
  }

  /** Infinity if it is busy. */
  sinceNs(server: number): number {
    return this.since[server] as number
  }

  isBusy(server: number): boolean {
    return this.since[server] === BUSY
  }

  /** Since when the server idle longest is; Infinity if all are busy. */
  get longestNs(): number {
    const { since } = this
    let longestNs = BUSY
    for (let server = 0; server < since.length; server++) {
      if ((since[server] as number) < longestNs) longestNs = since[server] as number
    }
    return longestNs
  }

  /** Whether a server other than this one is idle. */
  hasOther(server: number): boolean {
    const { since } = this
    for (let other = 0; other < since.length; other++) {
      if (other !== server && since[other] !== BUSY) return true
    }
    return false
  }

  /** Marks a server as busy with the batch of the one idle longest, which is idle since when this one was. */
  takeBatch(server: number): void {
    const { since } = this
    const longestNs = this.longestNs
    if (since[server] !== longestNs) since[since.indexOf(longestNs)] = since[server] as number
    since[server] = BUSY
  }

  /** Removes a server that has exited. */
  leave(server: number): void {
    this.since[server] = BUSY
  }
}

/**
 * The same for servers that one thread serves: they become idle in the order of time, so that the one idle longest is the
 * first of a ring, however many there are.
 *
 * ```
 * ring:  | … | longest idle | … | last idle | … |      place: the place of each idle server in the ring
 *              ^ head               ^ head + count - 1
 * ```
 */
export class IdleInOrder extends IdleServers {
  readonly #ring: Int32Array
  readonly #place: Int32Array
  #head = 0
  #count = 0

  constructor(since: Float64Array) {
    super(since)
    this.#ring = new Int32Array(since.length)
    this.#place = new Int32Array(since.length)
  }

  override free(server: number, ns: number): void {
    this.since[server] = ns
    this.#put(server, (this.#head + this.#count++) % this.#ring.length)
  }

  override get longestNs(): number {
    return this.#count === 0 ? BUSY : (this.since[this.#ring[this.#head] as number] as number)
  }

  override takeBatch(server: number): void {
    const longest = this.#ring[this.#head] as number
    this.#head = (this.#head + 1) % this.#ring.length
    this.#count--
    if (longest !== server) {
      this.since[longest] = this.since[server] as number
      this.#put(longest, this.#place[server] as number)
    }
    this.since[server] = BUSY
  }

  #put(server: number, place: number): void {
    this.#ring[place] = server
    this.#place[server] = place
  }
}

import { BUCKETS, bucketInRange } from '../../histogram/latency-histogram.js'

/** Buckets are kept in pages of this many, and only those pages that hold anything. */
const PAGE_BITS = 6
const PAGE = 1 << PAGE_BITS
const PAGES_EACH = Math.ceil(BUCKETS / PAGE)
/** A page has a number of 16 bits; 0 is none. */
const MOST_PAGES = 2 ** 16

/**
 * The bucket counts of many histograms in one memory. A histogram of live latencies holds some hundreds of its 43,009 buckets:
 * so it takes pages of 64 of them as it needs them, and gives them back when it is merged into another. The memory
 * grows to what is needed, to 16.8 MB at most, and is used again from then on.
 */
export class Pages {
  #counts = new Uint32Array(PAGE * 256)
  /** the page of each histogram that holds a stretch of its buckets */
  readonly #table: Uint16Array
  readonly #free: number[] = []
  #used = 1

  constructor(histograms: number) {
    this.#table = new Uint16Array(histograms * PAGES_EACH)
  }

  /** @returns false where all pages are taken: then nothing was counted */
  add(histogram: number, bucket: number, times: number): boolean {
    const entry = histogram * PAGES_EACH + (bucket >> PAGE_BITS)
    let page = this.#table[entry] as number
    if (page === 0) {
      page = this.#take()
      if (page === 0) return false
      this.#table[entry] = page
    }
    const at = page * PAGE + (bucket & (PAGE - 1))
    this.#counts[at] = (this.#counts[at] as number) + times
    return true
  }

  /**
   * Counts durations that each have a bucket of their own, given as the words of doubles, from the `from`-th to before the
   * `to`-th.
   *
   * @returns how far it came before all pages were taken
   */
  addAll(histogram: number, words: Uint32Array, from: number, to: number): number {
    const table = this.#table
    const first = histogram * PAGES_EACH
    let counts = this.#counts
    for (let i = from; i < to; i++) {
      const bucket = bucketInRange(words[2 * i + 1] as number)
      const page = table[first + (bucket >> PAGE_BITS)] as number
      if (page === 0) {
        if (!this.add(histogram, bucket, 1)) return i
        counts = this.#counts
        continue
      }
      const at = (page << PAGE_BITS) | (bucket & (PAGE - 1))
      counts[at] = (counts[at] as number) + 1
    }
    return to
  }

  #take(): number {
    const freed = this.#free.pop()
    if (freed !== undefined) return freed
    if (this.#used === MOST_PAGES) return 0
    if ((this.#used + 1) * PAGE > this.#counts.length) {
      const grown = new Uint32Array(2 * this.#counts.length)
      grown.set(this.#counts)
      this.#counts = grown
    }
    return this.#used++
  }

  /** Adds what one histogram holds, between two buckets, to another, and empties it. */
  move(from: number, to: number, first: number, last: number): void {
    const table = this.#table
    const counts = this.#counts
    for (let i = first >> PAGE_BITS; i <= last >> PAGE_BITS; i++) {
      const page = table[from * PAGES_EACH + i] as number
      if (page === 0) continue
      table[from * PAGES_EACH + i] = 0
      const there = table[to * PAGES_EACH + i] as number
      if (there === 0) {
        table[to * PAGES_EACH + i] = page
        continue
      }
      const [a, b] = [there * PAGE, page * PAGE]
      for (let k = 0; k < PAGE; k++) counts[a + k] = (counts[a + k] as number) + (counts[b + k] as number)
      this.#release(page)
    }
  }

  clear(histogram: number): void {
    for (let entry = histogram * PAGES_EACH; entry < (histogram + 1) * PAGES_EACH; entry++) {
      const page = this.#table[entry] as number
      if (page === 0) continue
      this.#table[entry] = 0
      this.#release(page)
    }
  }

  #release(page: number): void {
    this.#counts.fill(0, page * PAGE, (page + 1) * PAGE)
    this.#free.push(page)
  }

  /** Calls back for each bucket of a histogram that holds anything, in order, between two buckets. */
  forEach(histogram: number, first: number, last: number, visit: (bucket: number, count: number) => void): void {
    const counts = this.#counts
    for (let i = first >> PAGE_BITS; i <= last >> PAGE_BITS; i++) {
      const page = this.#table[histogram * PAGES_EACH + i] as number
      if (page === 0) continue
      for (let k = 0; k < PAGE; k++) {
        const count = counts[page * PAGE + k] as number
        if (count > 0) visit(i * PAGE + k, count)
      }
    }
  }

  /** How much memory it takes at present. */
  get bytes(): number {
    return this.#counts.byteLength + this.#table.byteLength + 8 * this.#free.length
  }
}

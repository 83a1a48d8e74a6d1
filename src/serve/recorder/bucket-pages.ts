import { BUCKETS, bucketInRange, bucketOf, highWords } from '../../histogram/buckets.js'

const PAGE_BITS = 6
/** How many buckets a page holds. */
const PAGE = 1 << PAGE_BITS
const PAGES_EACH = Math.ceil(BUCKETS / PAGE)
/** Page numbers have 16 bits; 0 means that a histogram has no page there. */
const MOST_PAGES = 2 ** 16

/**
 * The bucket counts of many histograms in one memory. A histogram of live latencies uses some hundreds of its 43,009
 * buckets, so pages of 64 buckets are allocated on first use, and freed when a histogram is merged into another. The
 * memory grows to what is needed, 16.8 MB at most, and is reused from then on.
 *
 * ```
 * table:  | histogram 0: 673 page numbers | histogram 1: 673 page numbers | ...
 *              |
 *              v
 * counts: | page 0: unused | page 1: 64 counts | page 2: 64 counts | ...
 * ```
 */
export class BucketPages {
  #counts = new Uint32Array(PAGE * 256)
  readonly #table: Uint16Array
  readonly #free: number[] = []
  #used = 1
  readonly #makeRoom: (histogram: number) => void

  /** @param makeRoom frees pages of histograms other than this one, when all are taken */
  constructor(histograms: number, makeRoom: (histogram: number) => void) {
    this.#table = new Uint16Array(histograms * PAGES_EACH)
    this.#makeRoom = makeRoom
  }

  add(histogram: number, bucket: number, times: number): void {
    const entry = histogram * PAGES_EACH + (bucket >> PAGE_BITS)
    let page = this.#table[entry] as number
    if (page === 0) {
      page = this.#allocate(histogram)
      this.#table[entry] = page
    }
    const at = page * PAGE + (bucket & (PAGE - 1))
    this.#counts[at] = (this.#counts[at] as number) + times
  }

  /** Counts the first `length` of `values`, durations that need no clamping, each `times[i]` times or once. */
  addMany(histogram: number, values: Float64Array, length: number, times: Float64Array | null): void {
    if (times !== null) {
      for (let i = 0; i < length; i++) this.add(histogram, bucketOf(values[i] as number), times[i] as number)
      return
    }
    const words = highWords(values, length)
    const table = this.#table
    const first = histogram * PAGES_EACH
    let counts = this.#counts
    for (let i = 0; i < length; i++) {
      const bucket = bucketInRange(words[2 * i + 1] as number)
      const page = table[first + (bucket >> PAGE_BITS)] as number
      if (page === 0) {
        this.add(histogram, bucket, 1)
        counts = this.#counts
        continue
      }
      const at = (page << PAGE_BITS) | (bucket & (PAGE - 1))
      counts[at] = (counts[at] as number) + 1
    }
  }

  #allocate(histogram: number): number {
    while (this.#free.length === 0 && this.#used === MOST_PAGES) this.#makeRoom(histogram)
    const freed = this.#free.pop()
    if (freed !== undefined) return freed
    if ((this.#used + 1) * PAGE > this.#counts.length) {
      const grown = new Uint32Array(2 * this.#counts.length)
      grown.set(this.#counts)
      this.#counts = grown
    }
    return this.#used++
  }

  /** Adds the counts of one histogram between two buckets to another, and empties it. */
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

  /** The buckets of a histogram that are not empty, from the first to the last, and their counts. */
  read(histogram: number, first: number, last: number): { buckets: Uint16Array; counts: Uint32Array } {
    const counts = this.#counts
    let length = 0
    for (let i = first >> PAGE_BITS; i <= last >> PAGE_BITS; i++) {
      const page = this.#table[histogram * PAGES_EACH + i] as number
      if (page === 0) continue
      for (let k = 0; k < PAGE; k++) {
        const count = counts[page * PAGE + k] as number
        if (count === 0) continue
        foundBuckets[length] = i * PAGE + k
        foundCounts[length++] = count
      }
    }
    return { buckets: foundBuckets.slice(0, length), counts: foundCounts.slice(0, length) }
  }

  /** How much memory it takes at present. */
  get bytes(): number {
    return this.#counts.byteLength + this.#table.byteLength + 8 * this.#free.length
  }
}

/** Where `read` collects buckets, since how many there are is known at the end. */
const foundBuckets = new Uint16Array(PAGES_EACH * PAGE)
const foundCounts = new Uint32Array(PAGES_EACH * PAGE)

import { type FailureCounts, MOST_KINDS, OTHER_KIND } from '../../result/failures.js'

const LENGTH_BYTES = 8
const TEXT_BYTES = 320

/**
 * The failures of one server by kind, in memory that only the server writes and other threads may read. A failed request
 * is marked with the place of its kind, from 1. The last place is for the kinds that have none.
 *
 * ```
 * buffer: | kinds: double | failures: double a place | length and UTF-8: 328 bytes a place |
 * ```
 */
export class FailureKinds {
  static readonly bytes = 8 + MOST_KINDS * (8 + LENGTH_BYTES + TEXT_BYTES)
  readonly #buffer: ArrayBufferLike
  readonly #texts: number
  readonly #known: Float64Array
  readonly #counts: Float64Array
  readonly #places = new Map<string, number>()

  constructor(buffer: ArrayBufferLike, offset: number) {
    this.#buffer = buffer
    this.#known = new Float64Array(buffer, offset, 1)
    this.#counts = new Float64Array(buffer, offset + 8, MOST_KINDS)
    this.#texts = offset + 8 + 8 * MOST_KINDS
  }

  /** The place of a kind, from 1. */
  placeOf(kind: string): number {
    if (kind === OTHER_KIND) return MOST_KINDS
    const known = this.#places.get(kind)
    if (known !== undefined) return known
    // another thread may have written kinds before this one took over
    for (let place = this.#places.size + 1; place <= this.#count; place++) this.#places.set(this.#read(place), place)
    const read = this.#places.get(kind)
    if (read !== undefined) return read
    const place = this.#count + 1
    if (place >= MOST_KINDS) return MOST_KINDS
    this.#write(place, kind)
    this.#known[0] = place
    this.#places.set(kind, place)
    return place
  }

  /** Counts a failure of the kind at a place. */
  add(place: number): void {
    this.#counts[place - 1] = (this.#counts[place - 1] as number) + 1
  }

  /** Becomes the same as others. */
  copyFrom(others: FailureKinds): void {
    this.#bytes.set(others.#bytes)
  }

  get #bytes(): Uint8Array {
    return new Uint8Array(this.#buffer, this.#known.byteOffset, FailureKinds.bytes)
  }

  get counts(): FailureCounts {
    const counts: [kind: string, count: number][] = []
    for (let place = 1; place <= this.#count; place++)
      counts.push([this.#read(place), this.#counts[place - 1] as number])
    counts.push([OTHER_KIND, this.#counts[MOST_KINDS - 1] as number])
    return Object.fromEntries(counts.filter(([, count]) => count > 0))
  }

  get #count(): number {
    return this.#known[0] as number
  }

  #textAt(place: number): [length: Float64Array, text: Uint8Array] {
    const at = this.#texts + (place - 1) * (LENGTH_BYTES + TEXT_BYTES)
    return [new Float64Array(this.#buffer, at, 1), new Uint8Array(this.#buffer, at + LENGTH_BYTES, TEXT_BYTES)]
  }

  #write(place: number, kind: string): void {
    const [length, text] = this.#textAt(place)
    const bytes = new TextEncoder().encode(kind).subarray(0, TEXT_BYTES)
    text.set(bytes)
    length[0] = bytes.length
  }

  #read(place: number): string {
    const [length, text] = this.#textAt(place)
    return new TextDecoder().decode(text.slice(0, length[0]))
  }
}

import { bucketOf } from '../../histogram/buckets.js'
import { type HistogramSnapshot, zeros } from '../../histogram/latency-histogram.js'
import { addMoments, COUNT, MOMENTS, momentsAt } from '../../histogram/moments.js'
import { type ClassRecording, type ClassRecordings, type Counts, noCounts } from '../../result/recording.js'
import { OTHER_CLASS } from '../../scenario/classes.js'
import { BucketPages } from './bucket-pages.js'

/** The number of the class of requests that were given none. */
export const UNCLASSIFIED = 0

const FIELD_OF = { offered: 0, completed: 1, failed: 2, rejected: 3, timedOut: 4, aborted: 5, good: 6 } as const
const FIELDS = 7
const OUTCOMES = ['completed', 'failed', 'rejected', 'timedOut', 'aborted'] as const

/**
 * The requests of each class in each segment: their counts, and the latency of those that completed. Segments decides
 * what is a segment, and refers to it by its place.
 *
 * ```
 * sums:     | place 0: 7 of class 0, 7 of class 1, ... | place 1: ...
 * moments:  | place 0: 5 of class 0, 5 of class 1, ... | place 1: ...
 * ```
 */
export class ClassSegments {
  /** that of unclassified requests is the first */
  readonly #names: readonly string[]
  readonly #declaresOther: boolean
  readonly #judged: boolean
  readonly #sums: Float64Array
  readonly #moments: Float64Array
  readonly #pages: BucketPages

  /**
   * @param declared the names of the classes that requests may have
   * @param judged whether requests are judged by the limits of `good`
   * @param makeRoom frees memory of places other than this one
   */
  constructor(declared: readonly string[], places: number, judged: boolean, makeRoom: (place: number) => void) {
    const names = [OTHER_CLASS, ...declared.filter((name) => name !== OTHER_CLASS)]
    this.#names = names
    this.#declaresOther = declared.includes(OTHER_CLASS)
    this.#judged = judged
    this.#sums = new Float64Array(places * names.length * FIELDS)
    this.#moments = new Float64Array(places * names.length * MOMENTS)
    this.#pages = new BucketPages(places * names.length, (histogram) => makeRoom(Math.floor(histogram / names.length)))
  }

  /** The numbers of the classes by name. */
  get numbers(): Map<string, number> {
    return new Map(this.#names.map((name, ofClass) => [name, ofClass]))
  }

  #add(place: number, ofClass: number, field: number, times = 1): void {
    const at = (place * this.#names.length + ofClass) * FIELDS + field
    this.#sums[at] = (this.#sums[at] as number) + times
  }

  /** Records arrivals of requests that are due in a segment. */
  arrive(place: number, ofClass: number, times = 1): void {
    this.#add(place, ofClass, FIELD_OF.offered, times)
  }

  /** Records the completion of a request that was due in a segment. */
  complete(place: number, ofClass: number, latencyNs: number, isGood: boolean): void {
    this.#add(place, ofClass, FIELD_OF.completed)
    if (isGood) this.#add(place, ofClass, FIELD_OF.good)
    const histogram = place * this.#names.length + ofClass
    this.#pages.add(histogram, bucketOf(latencyNs), 1)
    const squared = latencyNs * latencyNs
    addMoments(this.#moments, histogram * MOMENTS, 1, latencyNs, squared, latencyNs, latencyNs)
  }

  /** Records any other outcome of such a request. */
  settle(place: number, ofClass: number, outcome: (typeof OUTCOMES)[number]): void {
    this.#add(place, ofClass, FIELD_OF[outcome])
  }

  /** Adds the requests of one segment to another. */
  merge(from: number, to: number): void {
    const classes = this.#names.length
    const width = classes * FIELDS
    for (let i = 0; i < width; i++) {
      this.#sums[to * width + i] = (this.#sums[to * width + i] as number) + (this.#sums[from * width + i] as number)
    }
    for (let ofClass = 0; ofClass < classes; ofClass++) {
      const [source, target] = [from * classes + ofClass, to * classes + ofClass]
      const { count, sum, squares, min, max } = momentsAt(this.#moments, source * MOMENTS)
      if (count === 0) continue
      this.#pages.move(source, target, bucketOf(min), bucketOf(max))
      addMoments(this.#moments, target * MOMENTS, count, sum, squares, min, max)
    }
  }

  /** Drops a segment. Requests in flight since then count as due in another. */
  drop(place: number, to: number): void {
    this.#names.forEach((_, ofClass) => {
      this.arrive(to, ofClass, this.#pending(place, ofClass))
      this.#pages.clear(place * this.#names.length + ofClass)
    })
  }

  /** Empties a segment whose histograms are empty. */
  reset(place: number): void {
    const classes = this.#names.length
    this.#sums.fill(0, place * classes * FIELDS, (place + 1) * classes * FIELDS)
    this.#moments.fill(0, place * classes * MOMENTS, (place + 1) * classes * MOMENTS)
  }

  #get(place: number, ofClass: number, field: number): number {
    return this.#sums[(place * this.#names.length + ofClass) * FIELDS + field] as number
  }

  /** How many requests of a class are in flight; below 0 if some came without a class, and got theirs at their end. */
  #pending(place: number, ofClass: number): number {
    const left = OUTCOMES.reduce((sum, outcome) => sum + this.#get(place, ofClass, FIELD_OF[outcome]), 0)
    return this.#get(place, ofClass, FIELD_OF.offered) - left
  }

  /** The classes to show of these segments: that of unclassified requests only if there are any, or if it is declared. */
  shown(places: ArrayLike<number>): readonly string[] {
    const [other, ...declared] = this.#names as [string, ...string[]]
    const used = (place: number) => {
      const at = place * this.#names.length * FIELDS
      return this.#sums.subarray(at, at + FIELDS).some((value) => value !== 0)
    }
    return this.#declaresOther || Array.from(places).some(used) ? [...declared, other] : declared
  }

  /** The requests of these classes in a segment. */
  read(place: number, names: readonly string[]): ClassRecordings {
    const unfinished = unfinishedOf(this.#names.map((_, ofClass) => this.#pending(place, ofClass)))
    const { numbers } = this
    return Object.fromEntries(
      names.map((name) => {
        const ofClass = numbers.get(name) as number
        return [name, this.#class(place, ofClass, unfinished[ofClass] as number)]
      }),
    )
  }

  #class(place: number, ofClass: number, unfinished: number): ClassRecording {
    const counts: Counts = { ...noCounts(this.#judged), unfinished, offered: unfinished }
    for (const outcome of OUTCOMES) {
      counts[outcome] = this.#get(place, ofClass, FIELD_OF[outcome])
      counts.offered += counts[outcome]
    }
    if (this.#judged) counts.good = this.#get(place, ofClass, FIELD_OF.good)
    return { counts, latency: this.#latency(place * this.#names.length + ofClass) }
  }

  #latency(histogram: number): HistogramSnapshot {
    if (this.#moments[histogram * MOMENTS + COUNT] === 0) return zeros(0)
    const moments = momentsAt(this.#moments, histogram * MOMENTS)
    return { ...moments, ...this.#pages.read(histogram, bucketOf(moments.min), bucketOf(moments.max)) }
  }

  get bytes(): number {
    return this.#sums.byteLength + this.#moments.byteLength + this.#pages.bytes
  }
}

/**
 * How many requests of each class are in flight. A request that got its class at its end leaves one too many in flight in
 * the class it came with, and one too few in its own: so those missing are taken from the others, the unclassified first.
 */
function unfinishedOf(pending: readonly number[]): number[] {
  let missing = pending.reduce((sum, each) => sum - Math.min(0, each), 0)
  return pending.map((each) => {
    const taken = Math.min(missing, Math.max(0, each))
    missing -= taken
    return Math.max(0, each) - taken
  })
}

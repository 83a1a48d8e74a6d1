import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heap } from '../../../src/scenario/arrivals/heap.js'
import { atLength } from '../../support/at-length.js'

/** A heap as a list that is sorted again at each call. */
class SortedList {
  readonly #entries: [time: number, number: number][] = []
  get first(): number {
    return this.#entries[0]?.[0] ?? Number.POSITIVE_INFINITY
  }
  get size(): number {
    return this.#entries.length
  }
  get entries(): [time: number, number: number][] {
    return this.#entries
  }
  add(time: number, number: number): void {
    this.#entries.push([time, number])
    this.#entries.sort(([a, i], [b, j]) => a - b || i - j)
  }
  take(): number {
    return (this.#entries.shift() as [number, number])[1]
  }
}

describe('a heap', () => {
  it('takes the earliest time, and the lowest number of equal times, in any sequence of calls', {
    tags: 'at-length',
  }, () => {
    // null takes an entry; there are few different times, so that many are equal
    const steps = fc.array(fc.option(fc.nat(5), { freq: 3 }), { maxLength: 200, size: 'max' })
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat(99)), (steps, numbers) => {
        const [heap, list] = [new Heap(200), new SortedList()]
        for (const time of steps) {
          if (time !== null) {
            const number = numbers.next().value
            heap.add(time, number)
            list.add(time, number)
          } else if (list.size > 0) expect(heap.take()).toBe(list.take())
          expect(heap.size).toBe(list.size)
          expect(heap.first).toBe(list.first)
        }
        const visited: [number, number][] = []
        heap.forEach((time, number) => {
          visited.push([time, number])
        })
        expect(visited.sort(([a, i], [b, j]) => a - b || i - j)).toEqual(list.entries)
        while (list.size > 0) expect(heap.take()).toBe(list.take())
        expect(heap.first).toBe(Number.POSITIVE_INFINITY)
      }),
      { seed: 6, numRuns: atLength(300) },
    )
  })
})

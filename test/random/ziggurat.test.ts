import { describe, expect, it } from 'vitest'
import { exponential } from '../../src/random/exponential.js'
import type { Random } from '../../src/random/random.js'

/*
 * The ziggurat, layer by layer: draws find no error of a few in 100,000 in one layer of 256. Its words and uniform
 * numbers are chosen here, so that the shape of each layer, and what is accepted of it, can be read from what it gives.
 */

const PLACES = 2 ** 24
const LAYERS = Array.from({ length: 255 }, (_, i) => i + 1)

/** What a place in a layer gives, and whether the curve had to be asked; null where it was turned down. */
function at(layer: number, place: number, uniform = 0): { value: number; asked: boolean } | null {
  let asked = false
  let words = 0
  const random = {
    word() {
      // the first word is the one in question; a second one is drawn where it was turned down
      words++
      return words === 1 ? (place << 8) | layer : 1
    },
    uniform() {
      asked = true
      return uniform
    },
    positive: () => Math.exp(-1),
  }
  const value = exponential(random as unknown as Random)
  return words === 1 ? { value, asked } : null
}

/** The least of the whole numbers up to `most` for which it holds: for those above it holds, too. */
function least(most: number, holds: (n: number) => boolean): number {
  let [low, high] = [0, most]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** Where a layer ends: its last place, one further. */
const outer = (layer: number) => {
  const { value } = at(layer, PLACES - 1) as { value: number }
  return (value * PLACES) / (PLACES - 1)
}
/** Up to where it lies under the curve, so that the curve need not be asked. */
const inner = (layer: number) => {
  const first = least(PLACES - 1, (place) => at(layer, place)?.asked ?? true)
  return (outer(layer) * first) / PLACES
}

describe('the ziggurat of the exponential law', () => {
  const TAIL = outer(255)
  const area = outer(255) * (Math.exp(-inner(255)) - Math.exp(-TAIL))
  const precision = 3 / PLACES

  it('has layers of one area, each as wide as the one above it is under the curve', () => {
    for (const layer of LAYERS) {
      const above = layer === 1 ? 0 : outer(layer - 1)
      expect(Math.abs(inner(layer) - above), `layer ${layer}`).toBeLessThan(precision * outer(layer))
      const height = Math.exp(-above) - Math.exp(-outer(layer))
      expect((outer(layer) * height) / area, `layer ${layer}`).toBeCloseTo(1, 5)
    }
    // the lowest one has the tail beside it
    expect((TAIL * Math.exp(-TAIL) + Math.exp(-TAIL)) / area).toBeCloseTo(1, 5)
  })

  it('takes of each layer what lies under the curve, and no more', () => {
    const steps = 2 ** 30
    for (const layer of LAYERS) {
      const from = inner(layer) / outer(layer)
      for (const fraction of [0.01, 0.5, 0.99]) {
        const place = Math.floor(PLACES * (from + (1 - from) * fraction))
        const { value } = at(layer, place) as { value: number }
        const turnedDown = least(steps, (n) => at(layer, place, n / steps) === null) / steps
        const [bottom, top] = [Math.exp(-outer(layer)), Math.exp(-inner(layer))]
        expect(Math.abs(turnedDown - (Math.exp(-value) - bottom) / (top - bottom)), `layer ${layer}`).toBeLessThan(1e-4)
      }
    }
  })

  it('has a tail that begins where the lowest layer ends, and is exponential again', () => {
    const value = (place: number) => (at(0, place) as { value: number }).value
    const first = least(PLACES - 1, (place) => value(place) > TAIL)
    expect(value(first - 1)).toBeCloseTo(TAIL, 5)
    expect(first / PLACES).toBeCloseTo((TAIL * Math.exp(-TAIL)) / area, 5)
    // of a number of exp(-1) it makes 1
    expect(value(first)).toBeCloseTo(TAIL + 1, 5)
    expect(value(PLACES - 1)).toBeCloseTo(TAIL + 1, 5)
  })
})

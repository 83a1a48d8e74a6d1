import { describe, expect, it } from 'vitest'
import { drawExponential } from '../../src/random/exponential.js'
import type { Random } from '../../src/random/random.js'

/*
 * Tests the ziggurat layer by layer, because random draws cannot find a small error in one of 256 layers. Its words and uniform
 * numbers are chosen here, so that the shape of each layer, and the part of it that is accepted, follow from its output.
 */

const PLACES = 2 ** 24
const LAYERS = Array.from({ length: 255 }, (_, i) => i + 1)

/** The value of a place in a layer, and whether the curve had to be evaluated; null if it was rejected. */
function at(layer: number, place: number, uniform = 0): { value: number; evaluated: boolean } | null {
  let evaluated = false
  let words = 0
  const random = {
    word() {
      // the first word is the one under test; a second is drawn only if it was rejected
      words++
      return words === 1 ? (place << 8) | layer : 1
    },
    uniform() {
      evaluated = true
      return uniform
    },
    positive: () => Math.exp(-1),
  }
  const value = drawExponential(random as unknown as Random)
  return words === 1 ? { value, evaluated } : null
}

/** The smallest whole number up to `most` for which a monotonic condition holds, by bisection. */
function least(most: number, holds: (n: number) => boolean): number {
  let [low, high] = [0, most]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** The end of a layer: its last place plus one. */
const outer = (layer: number) => {
  const { value } = at(layer, PLACES - 1) as { value: number }
  return (value * PLACES) / (PLACES - 1)
}
/** The part of a layer that is under the curve, so that the curve need not be evaluated. */
const inner = (layer: number) => {
  const first = least(PLACES - 1, (place) => at(layer, place)?.evaluated ?? true)
  return (outer(layer) * first) / PLACES
}

describe('the ziggurat of the exponential distribution', () => {
  const TAIL = outer(255)
  const area = outer(255) * (Math.exp(-inner(255)) - Math.exp(-TAIL))
  const precision = 3 / PLACES

  it('has layers of equal area, each as wide as the curve at its bottom', () => {
    for (const layer of LAYERS) {
      const above = layer === 1 ? 0 : outer(layer - 1)
      expect(Math.abs(inner(layer) - above), `layer ${layer}`).toBeLessThan(precision * outer(layer))
      const height = Math.exp(-above) - Math.exp(-outer(layer))
      expect((outer(layer) * height) / area, `layer ${layer}`).toBeCloseTo(1, 5)
    }
    // the lowest layer includes the tail
    expect((TAIL * Math.exp(-TAIL) + Math.exp(-TAIL)) / area).toBeCloseTo(1, 5)
  })

  it('accepts exactly the part of each layer under the curve', () => {
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

  it('has an exponential tail that starts at the end of the lowest layer', () => {
    const value = (place: number) => (at(0, place) as { value: number }).value
    const first = least(PLACES - 1, (place) => value(place) > TAIL)
    expect(value(first - 1)).toBeCloseTo(TAIL, 5)
    expect(first / PLACES).toBeCloseTo((TAIL * Math.exp(-TAIL)) / area, 5)
    // of a number of exp(-1) it makes 1
    expect(value(first)).toBeCloseTo(TAIL + 1, 5)
    expect(value(PLACES - 1)).toBeCloseTo(TAIL + 1, 5)
  })
})

import { expect, it } from 'vitest'
import { drawBar } from '../../src/text/bar.js'

it.each([
  [0, ''],
  [0.01, '▏'],
  [0.5, '▌'],
  [2, '██'],
  [2.99, '███'],
  [2.9, '██▉'],
])('draws %d columns, to an eighth: %s', (columns, drawn) => {
  expect(drawBar(columns)).toBe(drawn)
})

import { expect, it } from 'vitest'
import { bar } from '../../src/text/bar.js'

it.each([
  [0, ''],
  [0.01, '▏'],
  [0.5, '▌'],
  [2, '██'],
  [2.99, '███'],
  [2.9, '██▉'],
])('a bar of %d columns is drawn to an eighth of one: %s', (columns, drawn) => {
  expect(bar(columns)).toBe(drawn)
})

import { describe, expect, it } from 'vitest'
import { cycleLength, randomOrder, sequentialOrder } from '../../src/scenario/http/order.js'
import { columnsIn, compile, fill, parseTemplate } from '../../src/scenario/http/template.js'

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)

describe('requests in turn', () => {
  it.each<[number[], number, string]>([
    [[1, 1, 1], 3, '012012'],
    [[7, 7], 2, '0101'],
    [[3, 1], 4, '00100010'],
    [[1, 2, 1], 4, '10211021'],
    [[2, 6], 4, '10111011'],
  ])('of weights %j repeat after %i', (weights, length, expected) => {
    expect(cycleLength(weights)).toBe(length)
    const { requestOf } = sequentialOrder(weights, 1)
    expect(numbers(expected.length).map(requestOf).join('')).toBe(expected)
  })

  it('have whole weights', () => expect(cycleLength([0.5, 1])).toBeNull())

  it.each([[[1, 1]], [[3, 1]], [[2, 1, 4]]])('of weights %j each take the rows of data in turn', (weights) => {
    const { requestOf, rowOf } = sequentialOrder(weights, 5)
    const uses = weights.map(() => 0)
    for (const number of numbers(200)) {
      const request = requestOf(number)
      expect(rowOf(number)).toBe((uses[request] as number) % 5)
      uses[request] = (uses[request] as number) + 1
    }
  })
})

describe('requests that are drawn', () => {
  it('come as often as their weights, whatever else is drawn, in any order of calls', () => {
    const count = 20_000
    const weights = [0.5, 1, 2.5]
    const { requestOf, rowOf } = randomOrder(weights, 4, 7)
    const drawn = numbers(count).map(requestOf)
    for (const [request, weight] of weights.entries()) {
      const p = weight / 4
      const seen = drawn.filter((each) => each === request).length / count
      // 5 standard errors
      expect(Math.abs(seen - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / count))
    }
    const rows = numbers(count).map(rowOf)
    for (const row of [0, 1, 2, 3]) {
      const both = numbers(count).filter((i) => drawn[i] === 2 && rows[i] === row).length / count
      const p = 0.625 / 4
      expect(Math.abs(both - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / count))
    }
    expect(numbers(100).reverse().map(requestOf).reverse()).toEqual(drawn.slice(0, 100))
    expect(numbers(100).map(randomOrder(weights, 4, 8).requestOf)).not.toEqual(drawn.slice(0, 100))
  })
})

describe('a template', () => {
  it.each([
    ['/users/{id}', ['id']],
    ['{url}', ['url']],
    ['/a?b={b.c}&d={d-e}', ['b.c', 'd-e']],
    ['{"id":1,"list":[{}]}', []],
    ['{ id }', []],
    ['{1}', []],
  ])('%s takes the columns %j', (text, columns) => expect(columnsIn(text)).toEqual(columns))

  it('is filled in, encoded', () => {
    expect(fill(parseTemplate('/u/{id}?q={q}'), { id: 7, q: 'a b/c' }, encodeURIComponent)).toBe('/u/7?q=a%20b%2Fc')
  })

  it('keeps the type of a value that stands alone in JSON', () => {
    const make = compile({ id: '{id}', text: 'number {id}', list: ['{on}', 1], plain: 'x' })
    expect(make({ id: 7, on: true })).toEqual({ id: 7, text: 'number 7', list: [true, 1], plain: 'x' })
  })
})

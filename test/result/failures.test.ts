import { describe, expect, it } from 'vitest'
import { failureKind, MOST_KINDS, mergeFailures } from '../../src/result/failures.js'

const withFields = (fields: object, error = new Error('no')) => Object.assign(error, fields)

describe('the kind of a failure', () => {
  it.each([
    [withFields({ kind: 'status 429', code: 'E1' }), 'status 429'],
    [withFields({ code: 'ECONNRESET' }), 'ECONNRESET'],
    [new TypeError('fetch failed', { cause: withFields({ code: 'ECONNREFUSED' }) }), 'ECONNREFUSED'],
    [new TypeError('fetch failed', { cause: 'unknown' }), 'TypeError'],
    [new DOMException('late', 'TimeoutError'), 'TimeoutError'],
    [withFields({ code: 14 }), 'code 14'],
    [withFields({ kind: 7 }), 'Error'],
    [withFields({ kind: ' ' }), 'Error'],
    [new Error('no'), 'Error'],
    ['no', 'thrown string'],
    [null, 'thrown null'],
    [undefined, 'thrown undefined'],
    [withFields({ kind: 'two\n\tlines' }), 'two lines'],
    [withFields({ kind: 'x'.repeat(1000) }), `${'x'.repeat(79)}…`],
  ])('%o is %s', (error, kind) => {
    expect(failureKind(error)).toBe(kind)
  })

  it('is known even if the error cannot be read', () => {
    const unreadable = Object.defineProperty(new Error('no'), 'kind', {
      get: () => {
        throw new Error('unreadable')
      },
    })
    expect(failureKind(unreadable)).toBe('Error')
  })
})

describe('failures by kind', () => {
  it('add up, the most frequent first', () => {
    expect(Object.entries(mergeFailures([{ a: 1, b: 2 }, {}, { c: 2, a: 4, none: 0 }]))).toEqual([
      ['a', 5],
      ['b', 2],
      ['c', 2],
    ])
    expect(mergeFailures([])).toEqual({})
  })

  it('are bounded in number, and none is missing', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`kind ${i}`, i + 1]))
    for (const all of [[many], [many, { other: 7 }], [mergeFailures([many]), { new: 3 }]]) {
      const merged = mergeFailures(all)
      const total = all.flatMap((counts) => Object.values(counts)).reduce((sum, count) => sum + count, 0)
      expect(Object.values(merged).reduce((sum, count) => sum + count, 0)).toBe(total)
      expect(Object.keys(merged)).toHaveLength(MOST_KINDS)
      expect(Object.keys(merged).at(-1)).toBe('other')
      expect(merged['kind 99']).toBe(100)
    }
    const exactly = Object.fromEntries(Array.from({ length: MOST_KINDS }, (_, i) => [`kind ${i}`, 1]))
    expect('other' in mergeFailures([exactly])).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { toPortableError } from '../../src/handler/portable.js'

describe('an error sent to another thread', () => {
  it.each([
    ['an error of 10 MB', new Error('x'.repeat(1e7))],
    ['text of 10 MB', 'x'.repeat(1e7)],
    ['an error with such a cause', new Error('no', { cause: new Error('x'.repeat(1e7)) })],
    ['an error with such a stack', Object.assign(new Error('no'), { stack: 'x'.repeat(1e7) })],
  ])('is cut if it is long: %s', (_, thrown) => {
    const { message, stack = '', cause } = toPortableError(thrown)
    expect(message.length + stack.length + String(cause).length).toBeLessThan(30_000)
    expect(message).toMatch(/^no$|^x{10000} … \(10,000,000 characters in total\)$/)
  })

  it('is unchanged if it is short', () => {
    const error = toPortableError(new RangeError('no', { cause: 'why' }))
    expect(error).toBeInstanceOf(RangeError)
    expect([error.message, error.cause]).toEqual(['no', 'why'])
  })
})

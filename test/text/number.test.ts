import { describe, expect, it } from 'vitest'
import { bytes, count, difference, percent, rate, threeDigits, time, timeUnit } from '../../src/text/number.js'

describe('a number', () => {
  it.each([
    [0, '0'],
    [12_432, '12,400'],
    [999.6, '1,000'],
    [123.4, '123'],
    [99.96, '100'],
    [4.614, '4.61'],
    [9.996, '10.0'],
    [0.08534, '0.0853'],
    [1, '1.00'],
    [1_234_567, '1,230,000'],
  ])('%d has three significant digits: %s', (value, text) => {
    expect(threeDigits(value)).toBe(text)
  })

  it.each([
    [4.61, '4.61 ms'],
    [0.85, '850 us'],
    [0.00012, '120 ns'],
    [3000, '3,000 ms'],
    [12_000, '12 s'],
    [12_345, '12.3 s'],
    [10, '10 ms'],
    [0, '0 ms'],
  ])('a time of %d ms has a unit: %s', (ms, text) => {
    expect(time(ms)).toBe(text)
  })

  it.each([
    [0, '0 B'],
    [850, '850 B'],
    [999.7, '1 kB'],
    [1000, '1 kB'],
    [12_345, '12.3 kB'],
    [999_999, '1 MB'],
    [2_500_000_000, '2.50 GB'],
    [5e18, '5,000 PB'],
  ])('%d bytes have a unit: %s', (value, text) => {
    expect(bytes(value)).toBe(text)
  })

  it('has one unit for a column: that of the longest time', () => {
    expect(timeUnit([0.2, 0.9]).name).toBe('us')
    expect(timeUnit([0.2, 9]).name).toBe('ms')
    expect(timeUnit([0, 0]).name).toBe('ms')
  })

  it.each([0, 7, 999, 1000, 12_345, 123_456, 1_234_567, 2 ** 53, 1e21, -1234, 0.4, 1234.6, Number.POSITIVE_INFINITY])(
    'a count of %d has the separators of its language',
    (value) => {
      expect(count(value)).toBe(value.toLocaleString('en', { maximumFractionDigits: 0 }))
    },
  )

  it('may be a rate, a fraction or a difference', () => {
    expect(rate(10)).toBe('10/s')
    expect(rate(12_432)).toBe('12,400/s')
    expect(percent(0.5734)).toBe('57.3 %')
    expect(difference(1.04, 1)).toBe('+4%')
    expect(difference(0.88, 1)).toBe('−12%')
    expect(difference(1.001, 1)).toBe('0%')
    expect(difference(30, 1)).toBe('+2,900%')
  })
})

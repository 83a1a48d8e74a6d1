import { describe, expect, it } from 'vitest'
import { type Duration, poisson, type Rate } from '../../src/index.js'
import { nanoseconds } from '../../src/scenario/nanoseconds.js'
import { duration, durationMs, ratePerSecond, rateSchema } from '../../src/scenario/units.js'
import { refusal } from '../support/expect/refusal.js'

describe('a duration is parsed into milliseconds', () => {
  const good: [given: Duration, ms: number][] = [
    [0, 0],
    [5, 5],
    [0.25, 0.25],
    [1e-6, 1e-6],
    ['0ms', 0],
    ['5ms', 5],
    [' 5 ms ', 5],
    ['5\tms\n', 5],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['100ns', 1e-4],
    ['1.5s', 1500],
    ['.5s', 500],
    ['2m', 120_000],
    ['0.5h', 1_800_000],
    ['1h', 3_600_000],
    ['0007ms', 7],
  ]
  for (const [given, ms] of good) {
    it(JSON.stringify(given), () => {
      expect(duration.parse(given)).toBeCloseTo(ms, 12)
      expect(durationMs(given)).toBeCloseTo(ms, 12)
    })
  }

  it('to the nanosecond, whatever the unit', () => {
    for (const [given, ns] of [
      ['0.3us', 300],
      ['1.1ms', 1_100_000],
      ['0.1ns', 0],
      ['0.5ns', 1],
      ['1.0000001s', 1_000_000_100],
      ['2501h', 9_003_600_000_000_000],
      [0.1 + 0.2, 300_000],
    ] as const) {
      expect(nanoseconds(duration.parse(given))).toBe(ns)
    }
  })
})

describe('a rate is parsed into a number per second', () => {
  const good: [given: Rate, perSecond: number][] = [
    [800, 800],
    [0.5, 0.5],
    ['800/s', 800],
    [' 800 / s ', 800],
    ['30/m', 0.5],
    ['2/ms', 2000],
    ['.5/s', 0.5],
    ['1800/h', 0.5],
    [1e9, 1e9],
  ]
  for (const [given, perSecond] of good) {
    it(JSON.stringify(given), () => {
      expect(rateSchema.parse(given)).toBeCloseTo(perSecond, 12)
      expect(ratePerSecond(given)).toBeCloseTo(perSecond, 12)
    })
  }
})

const noNumbers = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 'NaN', 'Infinity', 'five']
const noKinds = [true, null, [], [5], {}, { ms: 5 }, () => 5, Symbol('5'), 5n, new Date(0)]

describe('an invalid duration is refused with the field, the value and what is accepted', () => {
  const bad = [
    ...noNumbers,
    ...noKinds,
    -1,
    -1e-9,
    1e10,
    Number.MAX_VALUE,
    '',
    ' ',
    '5',
    'ms',
    '-5ms',
    '+5ms',
    '5 parsecs',
    '5msec',
    '5 MS',
    '5m s',
    '1e3ms',
    '1,5s',
    '1.5.0s',
    '5.ms',
    '5ms 3us',
    '٣ms',
    '5/s',
    '9999999h',
  ]
  for (const value of bad) {
    it(`${typeof value} ${String(typeof value === 'object' ? JSON.stringify(value) : String(value))}`, () => {
      const { path, message } = refusal({ arrivals: '10/s', service: { model: 'affine', base: value } })
      expect(path).toBe('service.base')
      expect(message).toMatch(
        /^service\.base: must be a duration of 0 or more, in milliseconds or with a unit \('250us', '5ms', '1\.5s', '2m'\), got ./,
      )
      if (typeof value === 'number') expect(message).toContain(`got ${value}`)
      if (typeof value === 'string') expect(message).toContain(`got ${JSON.stringify(value)}`)
    })
  }

  it('0, if it must be positive', () => {
    for (const none of [0, '0ms', '0.1ns', -0]) {
      expect(refusal({ arrivals: '10/s', service: 1, queue: { timeout: none } }).message).toMatch(
        /^queue\.timeout: must be a duration of 1 ns or more, .*, got ./,
      )
      expect(refusal({ arrivals: '10/s', service: 1, stop: { duration: none } }).path).toBe('stop.duration')
    }
  })

  it('beyond 2^53 ns', () => {
    expect(refusal({ arrivals: '10/s', service: 2 ** 53 / 1e6 }).path).toBe('service')
    expect(nanoseconds(duration.parse(2 ** 53 / 1e6 - 1))).toBeLessThan(2 ** 53)
  })
})

describe('an invalid rate is refused with the field, the value and what is accepted', () => {
  const bad = [
    ...noNumbers,
    ...noKinds,
    0,
    -0,
    -5,
    1e9 + 1,
    Number.MAX_VALUE,
    '',
    '800',
    '0/s',
    '-5/s',
    '800/',
    '/s',
    '800/day',
    '800/us',
    '800 per s',
    '800ms',
    '1e3/s',
    '2000000/ms',
  ]
  for (const value of bad) {
    it(`${typeof value} ${String(typeof value === 'object' ? JSON.stringify(value) : String(value))}`, () => {
      const { path, message } = refusal({ arrivals: poisson(value as Rate), service: 1 })
      expect(path).toBe('arrivals.rate')
      expect(message).toMatch(
        /^arrivals\.rate: must be a rate above 0 and at most 1,000,000,000\/s, as a number per second or with a unit \('800\/s', '30\/m'\), got ./,
      )
      if (typeof value === 'number') expect(message).toContain(`got ${value}`)
      if (typeof value === 'string') expect(message).toContain(`got ${JSON.stringify(value)}`)
    })
  }
})

import { describe, expect, it } from 'vitest'
import { onOff, replay, type Scenario, simulate, stages } from '../../../src/index.js'
import { arrivalsSchema, meanRate, type OpenArrivals } from '../../../src/scenario/arrivals/arrivals.js'
import { schedule } from '../../../src/scenario/arrivals/schedule.js'
import { refusal } from '../../support/expect/refusal.js'

describe('a replayed trace', () => {
  const due = (arrivals: Scenario['arrivals']) => {
    const next = schedule(arrivalsSchema.parse(arrivals) as OpenArrivals, 1)
    return [next(), next(), next(), next()]
  }

  it('counts its times from the start and never shifts them', () => {
    expect(due(replay(['1s', 2000, '2.5s']))).toEqual([1e9, 2e9, 2.5e9, Number.POSITIVE_INFINITY])
  })

  it('is faster by the factor speed', () => {
    expect(due(replay(['1s', 2000, '2.5s'], { speed: 100 }))).toEqual([1e7, 2e7, 2.5e7, Number.POSITIVE_INFINITY])
    expect(meanRate(arrivalsSchema.parse(replay(['1s', '2s', '3s'], { speed: 100 })))).toBe(100)
  })

  it('runs to its end', () => {
    const { counts } = simulate({ arrivals: replay([0, 10, 20, 30]), service: 1, warmup: { requests: 0 } })
    expect(counts.completed).toBe(4)
  })
})

describe('invalid arrivals', () => {
  it.each([
    ['arrivals.rate', 'a rate above 0', 'got 0', onOff({ rate: 0, on: 1, off: 1 })],
    ['arrivals.on', 'a duration of 1 ns or more', 'got 0', onOff({ rate: 1, on: 0, off: 1 })],
    [
      'arrivals.on',
      '1,000 on-periods have at least one request on average',
      'got 0.5',
      onOff({ rate: 1, on: 0.5, off: 1 }),
    ],
    ['arrivals.off', 'a duration of 0 or more', 'got -1', onOff({ rate: 1000, on: 5, off: -1 })],
    ['arrivals.off', 'a duration of 0 or more', 'got nothing', { process: 'onOff', rate: 1, on: 1 }],
    ['arrivals.stages', 'one or more stages', 'got []', stages([])],
    ['arrivals.stages', 'one or more stages', 'got "x"', { process: 'stages', stages: 'x' }],
    ['arrivals.stages.0.rate', 'a rate of 0 or more', 'got -1', stages([{ rate: -1, duration: 1 }])],
    [
      'arrivals.stages.1.duration',
      'a duration of 0',
      'got "soon"',
      stages([
        { rate: 1, duration: 1 },
        { rate: 1, duration: 'soon' },
      ]),
    ],
    ['arrivals.stages', 'a rate above 0 in at least one stage', 'got [{', stages([{ rate: 0, duration: 1 }])],
    ['arrivals.stages', 'a total duration above 0', 'got [{', stages([{ rate: 5, duration: 0 }])],
    [
      'arrivals.stages',
      'less than 104 days',
      'got [{',
      stages([
        { rate: 5, duration: '2000h' },
        { rate: 5, duration: '2000h' },
      ]),
    ],
    ['arrivals.from', 'a rate of 0 or more', 'got -2', stages([{ rate: 5, duration: '1s' }], { from: -2 })],
    ['arrivals.timestamps', 'a non-empty list of times', 'got []', replay([])],
    ['arrivals.timestamps', 'a non-empty list of times', 'got "x"', { process: 'replay', timestamps: 'x' }],
    ['arrivals.timestamps.2', 'must not be earlier than the time before it, 5 ms', 'got 3', replay([0, 5, 3])],
    ['arrivals.timestamps.0', 'a time of 0 or more', 'got -5', replay([-5])],
    ['arrivals.timestamps.1', 'a time of 0 or more', 'got NaN', replay([5, Number.NaN])],
    ['arrivals.timestamps.1', 'a time of 0 or more', 'got "x"', replay([5, 'x'])],
    ['arrivals.speed', 'a number above 0', 'got 0', replay([1], { speed: 0 })],
    ['arrivals.speed', 'within 104 days', 'got 0.001', replay(['1000h'], { speed: 0.001 })],
  ])('are refused at %s: %s, %s', (path, accepted, got, arrivals) => {
    const { message } = refusal({ arrivals, service: 1 })
    expect(message).toContain(`${path}: `)
    expect(message).toContain(accepted)
    expect(message).toContain(got)
    expect(message).not.toContain('\n')
  })

  it('are refused if they would last too long on average', () => {
    const arrivals = onOff({ rate: '1/m', on: '1s', off: '1h' })
    expect(() => simulate({ arrivals, service: 1, stop: { requests: 100_000 } })).toThrow(/^stop\.requests: .*104 days/)
  })
})

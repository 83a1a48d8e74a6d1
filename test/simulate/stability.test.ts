import { describe, expect, it } from 'vitest'
import { affine, closed, exponential, gamma, poisson, type Result, type Scenario, simulate } from '../../src/index.js'
import { drawExponential } from '../../src/random/exponential.js'
import { createGammaSource } from '../../src/random/gamma.js'
import { normal } from '../../src/random/normal.js'
import { stream } from '../../src/random/stream.js'
import { schedule } from '../../src/scenario/arrivals/schedule.js'

/*
 * Values pinned at a seed. They need not be right, and only guard stability: that a stored scenario gives
 * the same result in the next version. If one of them changes for a good reason, change it here, and say in the release
 * notes that results at a given seed have changed.
 */

describe('stable at a seed:', () => {
  it('random words and the numbers made from them', () => {
    const words = stream(1, 'arrivals')
    expect([words.word(), words.word(), words.word()]).toEqual([1684173061, -377171432, -991453149])
    const random = stream(1, 'x')
    expect([drawExponential(random), drawExponential(random)]).toEqual([1.0643175660179827, 0.6702221977701609])
    const standard = normal(stream(1, 'x'))
    expect([standard(), standard()]).toEqual([-0.8473341460123568, -0.6833245625494316])
    const skewed = createGammaSource(stream(1, 'x'), 0.25)
    expect([skewed(), skewed()]).toEqual([0.44405631428343967, 0.6535446771545456])
    const due = schedule({ process: 'poisson', rate: 800 }, 1)
    expect([due(), due(), due()]).toEqual([93_110, 659_106, 1_265_429])
  })

  const of = ({ counts, latencyMs, batches }: Result) => ({
    lost: counts.rejected + counts.timedOut,
    batches: batches.count,
    meanMs: latencyMs.mean,
    maxMs: latencyMs.max,
  })
  const pinned: [name: string, scenario: Scenario, values: ReturnType<typeof of>][] = [
    [
      'one at a time',
      { arrivals: poisson('80/s'), service: affine({ base: 10, variation: exponential() }) },
      { lost: 0, batches: 9000, meanMs: 48.605482581333334, maxMs: 255.018158 },
    ],
    [
      'batches, with limits on the queue',
      {
        arrivals: poisson('1100/s'),
        service: affine({ base: 5, perItem: 1, variation: gamma({ cv: 0.5 }) }),
        batching: { maxBatchSize: 8, maxWait: 3 },
        queue: { capacity: 20, timeout: 25 },
        servers: 2,
      },
      { lost: 274, batches: 1392, meanMs: 17.957362356749943, maxMs: 55.199316 },
    ],
    [
      'a closed loop',
      {
        arrivals: closed({ clients: 20, thinkTime: { mean: 60, variation: exponential() } }),
        service: affine({ base: 4, perItem: 1 }),
        batching: { maxBatchSize: 6 },
      },
      { lost: 0, batches: 4896, meanMs: 9.148109174888889, maxMs: 20.446044 },
    ],
  ]
  for (const [name, scenario, values] of pinned) {
    it(`a simulation of ${name}`, () => {
      expect(of(simulate({ ...scenario, stop: { requests: 10_000 } }))).toEqual(values)
    })
  }
})

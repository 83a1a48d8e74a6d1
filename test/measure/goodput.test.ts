import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { resultOf } from '../../src/result/result.js'
import { simulate } from '../../src/simulate/simulate.js'
import { atLength } from '../support/at-length.js'
import { seeded } from '../support/reference/small-scenarios.js'
import { dueTimes, queues, runOnTwoServers } from '../support/virtual-time/two-servers.js'

const limit = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.noBias(fc.nat({ max: 20 })) },
)
const limits = fc
  .record({ latency: limit, wait: limit, service: limit, queueing: limit, batching: limit, dispatch: limit })
  .filter((good) => Object.values(good).some((ms) => ms !== undefined))
describe('goodput of a measurement', () => {
  it('in virtual time is that of a simulation, and that of its requests one by one', { tags: 'at-length' }, () => {
    let [judged, mixed] = [0, 0]
    fc.assert(
      fc.property(dueTimes(5), limits, queues, fc.boolean(), (timestamps, good, queue, fails) => {
        const { scenario, isFailed, run, recording } = runOnTwoServers(timestamps, fails, { queue, good })
        const within = (ns: number, ms: number | undefined) => ns <= (ms ?? 1e9) * 1e6
        const found = run.served
          .flatMap((batch) => batch.requests.map((number, i) => ({ ...batch, number, dueNs: batch.due[i] as number })))
          .filter(({ number, dueNs, freeNs, leaveNs, startNs, endNs }) => {
            const idleNs = Math.max(dueNs, freeNs)
            return (
              number >= 3 &&
              !isFailed(number) &&
              within(endNs - dueNs, good.latency) &&
              within(startNs - dueNs, good.wait) &&
              within(endNs - startNs, good.service) &&
              within(idleNs - dueNs, good.queueing) &&
              within(leaveNs - idleNs, good.batching)
            )
          }).length
        expect(recording.counts.good).toBe(found)
        expect(recording.segments.reduce((sum, { counts }) => sum + (counts.good as number), 0)).toBe(found)
        if (recording.counts.completed === 0 || recording.endNs <= recording.startNs) return
        const { goodput, counts } = resultOf(recording)
        expect(goodput?.fraction).toBe(found / (counts.offered - counts.unfinished))
        judged++
        if (found > 0 && found < counts.completed) mixed++
        if (fails) return
        const simulated = simulate({ ...scenario, service: { model: 'affine', base: 5, perItem: 1 } })
        expect(simulated.counts).toEqual(counts)
        expect(simulated.goodput?.fraction).toBe(goodput?.fraction)
      }),
      seeded(atLength(150)),
    )
    expect(mixed).toBeGreaterThan(judged / 10)
  })

  // on the real clock, these hold on a machine of any speed
  const handler = new URL('./handlers/numbers.js', import.meta.url)
  it.each([
    ['threads', { handler }],
    ['this process', { call: (index: number) => index }],
  ])('on %s judges every request', async (_, target) => {
    const scenario = { arrivals: '2000/s', ...target, stop: { requests: 500 } }
    const all = await measure({ ...scenario, good: { latency: '1h', service: '1h' } })
    expect(all.counts).toMatchObject({ completed: 450, good: 450 })
    expect(all.goodput).toMatchObject({ fraction: 1, limits: { latency: 3_600_000, service: 3_600_000 } })
    const none = await measure({ ...scenario, good: { latency: 0 } })
    expect(none.goodput).toMatchObject({ fraction: 0, perSecond: 0 })
  })

  it('counts a failed request as not good', async () => {
    const call = (index: number) => {
      if (index % 10 === 9) throw new Error('not this one')
    }
    const result = await measure({ arrivals: '2000/s', call, good: { latency: '1h' }, stop: { requests: 500 } })
    expect(result.counts).toMatchObject({ offered: 450, failed: 45, good: 405 })
    expect(result.goodput?.fraction).toBe(0.9)
  })
})

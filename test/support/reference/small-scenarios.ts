import fc from 'fast-check'
import type { NaiveScenario } from './naive-simulator.js'

/** Scenarios of a few requests on a grid of whole milliseconds, coarse enough for every kind of tie to be common. */

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 })

const limits = fc
  .record({
    servers: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4 })),
    maxBatchSize: orNull(fc.integer({ min: 1, max: 6 })),
    maxWait: fc.oneof(fc.constant(0), fc.constant(null), fc.integer({ min: 1, max: 30 })),
    capacity: orNull(fc.integer({ min: 0, max: 6 })),
    timeout: orNull(fc.integer({ min: 1, max: 30 })),
    base: fc.noBias(fc.integer({ min: 0, max: 15 })),
    perItem: fc.integer({ min: 0, max: 3 }),
  })
  // refused: no batch would ever leave
  .filter(({ maxBatchSize, maxWait }) => maxBatchSize !== null || maxWait !== null)
  .filter(
    ({ maxBatchSize, maxWait, capacity }) =>
      maxWait !== null || capacity === null || maxBatchSize === null || capacity >= maxBatchSize,
  )

const replayed = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 40, size: 'max' }).map((gaps) => {
  let at = 0
  return { process: 'replay' as const, timestamps: gaps.map((gap) => (at += gap)) }
})

const looping = fc.record({
  process: fc.constant('closed' as const),
  clients: fc.noBias(fc.integer({ min: 1, max: 8 })),
  thinkTime: fc.nat({ max: 10 }),
})

const stopping = fc.oneof(
  fc.record({ requests: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ duration: fc.integer({ min: 1, max: 100 }) }),
)

type Limits = typeof limits extends fc.Arbitrary<infer T> ? T : never

function scenarioOf(arrivals: NaiveScenario['arrivals'], given: Limits, stop: NaiveScenario['stop']): NaiveScenario {
  const { base, perItem, servers, maxBatchSize, maxWait, capacity, timeout } = given
  return {
    arrivals,
    service: { model: 'affine', base, perItem },
    servers,
    batching: { maxBatchSize, maxWait },
    queue: { capacity, timeout },
    stop,
  }
}

export const openScenario: fc.Arbitrary<NaiveScenario> = fc
  .tuple(replayed, limits, fc.option(stopping, { nil: { requests: 1000 } }))
  .map(([arrivals, given, stop]) => scenarioOf(arrivals, given, stop))

export const closedScenario: fc.Arbitrary<NaiveScenario> = fc
  .tuple(looping, limits, stopping)
  .map(([arrivals, given, stop]) => scenarioOf(arrivals, given, stop))
  .filter(
    ({ arrivals, batching }) =>
      batching.maxWait !== null ||
      (arrivals as { clients: number }).clients >= (batching.maxBatchSize ?? Number.POSITIVE_INFINITY),
  )
  // clients that neither think nor wait would send forever at one instant
  .filter(({ arrivals, service, queue, stop }) => {
    const { thinkTime } = arrivals as { thinkTime: number }
    return 'requests' in stop || thinkTime > 0 || (service.base > 0 && queue.capacity === null)
  })

export const smallScenario = fc.oneof(openScenario, closedScenario)

const warmup = fc.oneof(fc.record({ requests: fc.nat({ max: 20 }) }), fc.record({ duration: fc.nat({ max: 40 }) }))
type Warmup = typeof warmup extends fc.Arbitrary<infer T> ? T : never

/** Small scenarios with a warm-up by requests or by time, which may be longer than the run. */
export function withWarmup(scenarios: fc.Arbitrary<NaiveScenario>): fc.Arbitrary<NaiveScenario & { warmup: Warmup }> {
  return fc
    .tuple(scenarios, warmup)
    .filter(([{ arrivals, stop }, warmup]) => {
      // refused: a warm-up as long as the run
      const requests = arrivals.process === 'replay' ? arrivals.timestamps.length : Number.POSITIVE_INFINITY
      const whole = { requests, duration: Number.POSITIVE_INFINITY, ...stop }
      return 'requests' in warmup
        ? warmup.requests < Math.min(whole.requests, requests)
        : warmup.duration < whole.duration
    })
    .map(([scenario, warmup]) => ({ ...scenario, warmup }))
}

/** For fast-check: the same scenarios on every run. */
export const seeded = (numRuns: number) => ({ seed: 20_240_601, numRuns })

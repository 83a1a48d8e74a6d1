// How fast `simulate` is, beside a straight-line loop that does and records the same. Run it with `npm run bench`.

import { affine, exponential, type Scenario, simulate } from '../src/index.js'
import { exponential as drawExponential } from '../src/random/exponential.js'
import { stream } from '../src/random/stream.js'
import { Tally } from '../src/result/tally.js'
import { compareInRounds } from './rounds.js'

const REQUESTS = 3_000_000
const ROUNDS = 9

const mm1: Scenario = { arrivals: '80/s', service: affine({ base: '10ms', variation: exponential() }) }
const batches: Scenario = {
  // 80 % of what batches of 50 carry: 50 in 20 ms
  arrivals: '2000/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxBatchSize: 50, maxWait: 0 },
}

function simulated(scenario: Scenario): number {
  const begun = performance.now()
  simulate({ ...scenario, stop: { requests: REQUESTS } })
  return perSecond(begun)
}

const perSecond = (begun: number) => (1000 * REQUESTS) / (performance.now() - begun)

/** Lindley's recurrence, with latency, wait and service recorded in the same buckets. */
function recurrence(): number {
  const begun = performance.now()
  const arrivals = stream(1, 'arrivals')
  const services = stream(1, 'service')
  const [latency, wait, service] = [new Tally(), new Tally(), new Tally()]
  let due = 0
  let free = 0
  for (let i = 0; i < REQUESTS; i++) {
    due += Math.floor(12_500_000 * drawExponential(arrivals) + 0.5)
    const start = due > free ? due : free
    const serviceNs = Math.floor(10_000_000 * drawExponential(services) + 0.5)
    free = start + serviceNs
    latency.record(free - due)
    wait.record(start - due)
    service.record(serviceNs)
  }
  return perSecond(begun)
}

/** One server that takes whatever is there, up to 50, in the same straight line. */
function batchRecurrence(): number {
  const begun = performance.now()
  const arrivals = stream(1, 'arrivals')
  const [latency, wait, service] = [new Tally(), new Tally(), new Tally()]
  const dues = new Float64Array(50)
  let due = Math.floor(500_000 * drawExponential(arrivals) + 0.5)
  let free = 0
  for (let i = 0; i < REQUESTS; ) {
    const start = due > free ? due : free
    let size = 0
    do {
      dues[size++] = due
      due += Math.floor(500_000 * drawExponential(arrivals) + 0.5)
    } while (size < 50 && due < start)
    const serviceNs = 7_500_000 + 250_000 * size
    free = start + serviceNs
    for (let j = 0; j < size; j++) {
      latency.record(free - (dues[j] as number))
      wait.record(start - (dues[j] as number))
      service.record(serviceNs)
    }
    i += size
  }
  return perSecond(begun)
}

await compareInRounds(
  'M/M/1 at 80 % load',
  'requests/s',
  [
    { name: 'simulate', perSecond: () => simulated(mm1) },
    { name: 'a straight loop', perSecond: recurrence },
  ],
  ROUNDS,
)
await compareInRounds(
  'Batches of up to 50 at 80 % load, 7.5 ms + 0.25 ms a request',
  'requests/s',
  [
    { name: 'simulate', perSecond: () => simulated(batches) },
    { name: 'a straight loop', perSecond: batchRecurrence },
  ],
  ROUNDS,
)

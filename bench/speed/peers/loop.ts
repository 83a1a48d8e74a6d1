import { LatencyHistogram } from '../../../src/histogram/latency-histogram.js'
import { meanOf } from '../../../src/histogram/moments.js'
import { drawExponential } from '../../../src/random/exponential.js'
import { stream } from '../../../src/random/stream.js'
import { nearest } from '../../../src/scenario/nanoseconds.js'

const MEAN_SERVICE = 10_000_000

/** Simulates M/M/c in a plain JavaScript loop, recording latency, wait and service as `simulate` does. */
export function loop(meanGapNs: number, servers: number, requests: number): number {
  const arrivals = stream(1, 'arrivals')
  const services = stream(1, 'service')
  const [latency, wait, service] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()]
  const free = new Float64Array(servers)
  let due = 0
  for (let i = 0; i < requests; i++) {
    due += nearest(meanGapNs * drawExponential(arrivals))
    let first = 0
    for (let server = 1; server < servers; server++) {
      if ((free[server] as number) < (free[first] as number)) first = server
    }
    const start = Math.max(due, free[first] as number)
    const serviceNs = nearest(MEAN_SERVICE * drawExponential(services))
    free[first] = start + serviceNs
    latency.record(start + serviceNs - due)
    wait.record(start - due)
    service.record(serviceNs)
  }
  return meanOf(latency) / 1e6
}

/** One greedy server with batches of up to `maxBatchSize`, as a straight loop. */
export function batchLoop(meanGapNs: number, maxBatchSize: number, requests: number): number {
  const arrivals = stream(1, 'arrivals')
  const [latency, wait, service] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()]
  const dues = new Float64Array(maxBatchSize)
  let due = nearest(meanGapNs * drawExponential(arrivals))
  let free = 0
  for (let i = 0; i < requests; ) {
    const start = Math.max(due, free)
    let size = 0
    do {
      dues[size++] = due
      due += nearest(meanGapNs * drawExponential(arrivals))
    } while (size < maxBatchSize && due < start)
    const serviceNs = 7_500_000 + 250_000 * size
    free = start + serviceNs
    for (let j = 0; j < size; j++) {
      latency.record(free - (dues[j] as number))
      wait.record(start - (dues[j] as number))
      service.record(serviceNs)
    }
    i += size
  }
  return meanOf(latency) / 1e6
}

import { affine, closed, type Duration, simulate } from 'throughline'

/** Latencies of ten requests in milliseconds; one took three seconds. */
export const tenRequests = [100, 102, 100, 100, 99, 104, 110, 90, 3000, 95]

/** Service time: 10 ms for a batch of 10, 20 ms for a batch of 50, and linear between. */
export const server = affine({ base: '7.5ms', perItem: '0.25ms' })

/** Examples of latency and throughput: one request at a time, and then in batches. */
export const examples = () => [
  { name: 'one at a time, 10 ms each', ...flatOut('10ms', 1) },
  { name: 'one at a time, 100 ms each', ...flatOut('100ms', 1) },
  { name: 'in batches of 10', ...flatOut(server, 10) },
  { name: 'in batches of 50', ...flatOut(server, 50) },
]

/**
 * Simulates a server that never runs out of requests: a closed loop of as many clients as a batch holds, each sending its
 * next request after a response. Gives the latency and the throughput of full batches.
 */
export function flatOut(service: Duration | typeof server, batchSize: number) {
  const result = simulate({
    arrivals: closed({ clients: batchSize }),
    service,
    batching: { maxBatchSize: batchSize, maxWait: null },
    stop: { requests: 200 * batchSize },
  })
  return { latencyMs: result.latencyMs.p50, perSecond: result.throughput.completed }
}

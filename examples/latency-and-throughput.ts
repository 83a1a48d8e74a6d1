import { affine, closed, type Duration, simulate } from 'throughline'

/** Ten requests, in milliseconds, of which one took three seconds. */
export const tenRequests = [100, 102, 100, 100, 99, 104, 110, 90, 3000, 95]

/** The line through 10 requests in 10 ms and 50 in 20 ms. */
export const server = affine({ base: '7.5ms', perItem: '0.25ms' })

/** Examples of latency and throughput: one request at a time, and then in batches. */
export const examples = () => [
  { name: 'one at a time, 10 ms each', ...flatOut('10ms', 1) },
  { name: 'one at a time, 100 ms each', ...flatOut('100ms', 1) },
  { name: 'in batches of 10', ...flatOut(server, 10) },
  { name: 'in batches of 50', ...flatOut(server, 50) },
]

/**
 * What a server carries that never runs out of requests, and how long each takes: there are as many clients as a
 * batch holds, and each sends again as soon as it has its answer.
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

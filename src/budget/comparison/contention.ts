import type { Result } from '../../result/result.js'
import { sum } from '../../statistics/descriptive.js'
import { type ComparedMetric, isFraction } from './comparison.js'

/** How much waiting for a core may have added to a figure x: without it, x may be as low as x / factor - ms. */
export interface Contention {
  factor: number
  ms: number
}

const NONE: Contention = { factor: 1, ms: 0 }
/** The fraction of requests slower than each percentile: in the worst case all waiting hit these requests. */
const SLOWER: Partial<Record<ComparedMetric, number>> = { p50: 0.5, p90: 0.1, p95: 0.05, p99: 0.01 }
/** A waiting thread delays the requests in the system and about as many more that become due meanwhile. */
const DELAYED = 2

/**
 * Bounds what waiting for a core may have added to a figure. If servers are limited, it lengthens each service, and through
 * the load lengthens the queue by far more: the factor is that of a queue with one server, squared because waiting comes
 * in bursts.
 */
export function contentionOf(
  metric: ComparedMetric,
  { host, counts, utilization, serviceMs, meanInSystem }: Result,
): Contention {
  if (metric === 'throughput' || isFraction(metric) || !host?.cpu) return NONE
  const waits = host.cpu.threads.map(({ waitingMs }) => waitingMs / counts.completed)
  const perRequest = sum(waits)
  if (utilization === null) {
    return { factor: 1, ms: (DELAYED * (1 + meanInSystem) * perRequest) / (SLOWER[metric] ?? 1) }
  }
  const without = 1 - Math.min(0.99, perRequest / serviceMs.mean)
  if (metric === 'service.mean') return { factor: 1 / without, ms: 0 }
  const load = Math.min(0.99, utilization)
  return { factor: ((1 - load * without) / ((1 - load) * without)) ** 2, ms: 0 }
}

/** The largest fraction of its time that a thread was runnable but had no CPU; 0 if unknown. */
export function waitedFraction({ host }: Result): number {
  const fractions = host?.cpu?.threads.map(({ busyMs, waitingMs }) => waitingMs / Math.max(1e-9, busyMs + waitingMs))
  return Math.max(0, ...(fractions ?? []))
}

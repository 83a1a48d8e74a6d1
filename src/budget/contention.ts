import type { Result } from '../result/result.js'
import { sum } from '../statistics/descriptive.js'
import type { ComparedMetric } from './comparison.js'

/** By how much a figure may be too high because threads waited for a core: it may be as low as x / factor - ms. */
export interface Contention {
  factor: number
  ms: number
}

const NONE: Contention = { factor: 1, ms: 0 }
/** Of all requests this fraction is slower than the percentile: if the waiting hit them alone, it moved it that far. */
const SLOWER: Partial<Record<ComparedMetric, number>> = { p50: 0.5, p90: 0.1, p95: 0.05, p99: 0.01 }
/** A thread that waits delays the requests in the system, and those that become due meanwhile: about as many again. */
const DELAYED = 2

/**
 * What the waiting for a core may have added to a figure. Where servers are limited it makes each service longer, and
 * through the load the queue by far more: the factor is that of a queue of one server, squared, as waiting comes in
 * bursts.
 */
export function contentionOf(
  metric: ComparedMetric,
  { host, counts, utilization, serviceMs, meanInSystem }: Result,
): Contention {
  if (metric === 'throughput' || metric === 'errorRate' || !host?.cpu) return NONE
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

/** The largest fraction of its time that a thread could have run and waited for a core; 0 if it is not known. */
export function waitedFraction({ host }: Result): number {
  const fractions = host?.cpu?.threads.map(({ busyMs, waitingMs }) => waitingMs / Math.max(1e-9, busyMs + waitingMs))
  return Math.max(0, ...(fractions ?? []))
}

import { expect } from 'vitest'
import type { Result } from '../../../src/result/result.js'

/** Checks the sums of a measured Result: parts of latency, counts, and Little's law. */
export function expectToAddUp(result: Result): void {
  const { latencyMs, waitMs, serviceMs, lagMs, queueingMs, batchingMs, dispatchMs, counts, fromSendMs } = result
  // means of whole nanoseconds: equal but for the last digits of a double
  const parts = lagMs.mean + queueingMs.mean + batchingMs.mean + dispatchMs.mean
  expect(parts).toBeCloseTo(waitMs.mean, 9)
  expect(waitMs.mean + serviceMs.mean).toBeCloseTo(latencyMs.mean, 9)
  if (fromSendMs !== null) expect(latencyMs.mean - lagMs.mean).toBeCloseTo(fromSendMs.mean, 9)
  for (const summary of [
    waitMs,
    serviceMs,
    lagMs,
    queueingMs,
    batchingMs,
    dispatchMs,
    ...(fromSendMs === null ? [] : [fromSendMs]),
  ]) {
    expect(summary.count).toBe(counts.completed)
    expect(summary.min).toBeGreaterThanOrEqual(0)
  }
  const { offered, ...became } = counts
  expect(Object.values(became).reduce((sum, each) => sum + each, 0)).toBe(offered)
  expect(result.validity.findings.map(({ code }) => code)).not.toContain('littles-law')
}

/**
 * Expects that each batch was served for `leastMs` or more. How much of the window that is depends on the machine: one that
 * stalls for as long as a short window serves all of it afterwards, at a utilization of 0. `local-servers.test.ts` holds
 * utilization against the simulator in virtual time.
 */
export function expectServed({ serviceMs, segments, batches, utilization }: Result, leastMs: number): void {
  expect(serviceMs.min).toBeGreaterThanOrEqual(leastMs)
  const servingMs = segments.reduce((all, segment) => all + segment.servingMs, 0)
  expect(servingMs).toBeGreaterThanOrEqual(leastMs * batches.count)
  expect(utilization).not.toBeNull()
}

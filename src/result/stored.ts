import type { ClassSegment } from './classes.js'
import type { Merged } from './merge/merged.js'
import type { Result } from './result.js'
import { percentile } from './summary.js'

/**
 * Reads a percentile of latency over all offered requests. Those that did not complete count as slower than any other:
 * null if the percentile is one of them.
 */
export function percentileOverOffered({ latencyMs, counts }: Result, p: number): number | null {
  const rank = (p * counts.offered) / counts.completed
  return rank > 100 ? null : percentile(latencyMs, rank)
}

/**
 * A result as seen by the requests of one class: its latency, times of responses, counts and rates are those of the class,
 * and the rest is that of the run. Null if no request of the class completed in the window.
 */
export function resultOfClass(result: Result, name: string): Result | null {
  const own = result.classes?.[name]
  if (own === undefined || own.latencyMs === null || own.rates === null) return null
  const {
    goodput: _goodput,
    firstMs: _firstMs,
    betweenMs: _betweenMs,
    stages: _stages,
    bytes: _bytes,
    connections: _connections,
    merged,
    ...others
  } = result
  const mergedOfClass = merged && mergedMachinesOf(merged, name)
  return {
    ...others,
    counts: own.counts,
    latencyMs: own.latencyMs,
    rates: own.rates,
    ...(own.firstMs !== undefined && { firstMs: own.firstMs }),
    ...(own.betweenMs !== undefined && { betweenMs: own.betweenMs }),
    ...(own.goodput !== undefined && { goodput: own.goodput }),
    ...(mergedOfClass !== undefined && { merged: mergedOfClass }),
    segments: result.segments.map(({ firstMs: _first, betweenMs: _between, ...segment }, k) => ({
      ...segment,
      ...(own.segments[k] as ClassSegment),
    })),
    // recorded of all requests together
    fromSendMs: null,
  }
}

/** The machines with the requests of one class; undefined if they are not stored by class. */
function mergedMachinesOf({ as, machines }: Merged, name: string): Merged | undefined {
  if (machines.some(({ classes }) => classes === undefined)) return undefined
  return {
    as,
    machines: machines.map((machine) => {
      const { offered, errors, rejected } = machine.classes?.[name] ?? { offered: 0, errors: 0, rejected: 0 }
      return { ...machine, requests: { offered, completed: offered - errors, errors, rejected } }
    }),
  }
}

import type { Arrivals } from '../scenario/arrivals/arrivals.js'
import { rampsOf } from '../scenario/arrivals/ramps.js'
import type { Shard } from '../scenario/arrivals/shard.js'
import { countOf } from '../scenario/by-hash.js'
import { checkBatching, type ResolvedScenario } from '../scenario/scenario.js'
import { refuseCheckpoints } from '../scenario/stop.js'
import { show, ValidationError } from '../validation/validation-error.js'

/** The highest rate that can be measured, per second: no machine serves faster. */
const MAX_RATE = 10_000_000

/**
 * Checks the limits that apply to measurements only, and returns the scenario.
 *
 * @throws ValidationError naming the field
 */
export function checkMeasurable(scenario: ResolvedScenario): ResolvedScenario {
  const { path, rate } = findHighestRate(scenario.arrivals)
  if (rate > MAX_RATE) {
    throw new ValidationError(
      path,
      `must be at most ${MAX_RATE.toLocaleString('en')}/s to be measured, got ${show(rate)}`,
    )
  }
  checkGaps(scenario.arrivals)
  return scenario
}

/**
 * Refuses to divide a run into more shards than it has requests or clients, or shards that would not stop together.
 *
 * @throws ValidationError naming the field
 */
export function checkShard(scenario: ResolvedScenario, { count }: Shard): void {
  const { arrivals, stop, batching, queue } = scenario
  refuseCheckpoints(stop, 'each shard would stop at a different time')
  const refuseMore = (most: number, of: string) => {
    if (count <= most) return
    throw new ValidationError('options.shard.count', `must be at most ${most}, the number of ${of}, got ${count}`)
  }
  if (arrivals.process === 'closed') {
    refuseMore(arrivals.clients, 'clients')
    checkBatching(batching, { ...arrivals, clients: Math.floor(arrivals.clients / count) }, queue.capacity)
  }
  if (arrivals.process === 'replay') refuseMore(countOf(arrivals.timestamps), 'requests')
  if ('requests' in stop) refuseMore(stop.requests, 'requests')
}

/** The longest gap between replayed requests that is measured: a longer one is a wrong unit, or hours of nothing. */
const LONGEST_GAP_MS = 3_600_000

function checkGaps(arrivals: Arrivals): void {
  if (arrivals.process !== 'replay' || !Array.isArray(arrivals.timestamps)) return
  const { timestamps, speed = 1 } = arrivals
  let last = 0
  for (const [i, at] of timestamps.entries()) {
    const gapMs = (at - last) / speed
    if (gapMs > LONGEST_GAP_MS) {
      const after = i === 0 ? 'the start of the run' : 'the request before it'
      throw new ValidationError(
        `arrivals.timestamps.${i}`,
        `comes ${(gapMs / LONGEST_GAP_MS).toPrecision(3)} h after ${after}, and a measurement would wait for it; check the unit, subtract the first time from all times, cut the trace, or raise its speed`,
      )
    }
    last = at
  }
}

/** Finds the highest rate of the arrivals, and the path of its field. */
function findHighestRate(arrivals: Arrivals): { path: string; rate: number } {
  if ('rate' in arrivals) return { path: 'arrivals.rate', rate: arrivals.rate }
  if (arrivals.process !== 'stages') return { path: 'arrivals', rate: 0 }
  const rate = Math.max(...rampsOf(arrivals).flatMap(({ from, to }) => [from, to]))
  return { path: 'arrivals.stages', rate }
}

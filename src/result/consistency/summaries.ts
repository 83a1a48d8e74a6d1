import { z } from 'zod'
import { percentilesNs } from '../../histogram/percentile.js'
import { nanoseconds } from '../../scenario/nanoseconds.js'
import type { SetupTime } from '../connections.js'
import type { StageLatency } from '../stages.js'
import { ESTIMATES, PERCENTILES, type Summary } from '../summary.js'
import { decodeHistogram, faultAgainst, isBeyond, momentsOf, PRECISION } from './histograms.js'
import { ROUNDING } from './rounding.js'

export const text = z.string({ error: 'must be a string' })
export const number = z.number({ error: 'must be a number' }).min(0, { error: 'must be 0 or more' })
export const requests = z.number({ error: 'must be a whole number' }).int({ error: 'must be a whole number' }).min(0)
const bound = number.nullable()
export const interval = z
  .looseObject({
    low: bound,
    high: bound,
    level: z.literal(0.95, { error: 'must be 0.95' }),
    reason: z.string({ error: 'must be a string' }).optional(),
  })
  .refine(({ low, high }) => (low ?? 0) <= (high ?? low ?? 0), {
    error: 'must have a low end that is not above the high one',
  })

const figures = {
  count: requests.min(1, { error: 'must be at least 1' }),
  ...{ min: number, mean: number, stdDev: number, max: number },
  ...{ p50: number, p90: number, p95: number, p99: number, p999: number },
}
const isSummary = { error: 'must be a summary' }

export const summary = z
  .looseObject(
    {
      ...figures,
      intervals: z.looseObject(Object.fromEntries(ESTIMATES.map((estimate) => [estimate, interval])), {
        error: `must be an object of ${ESTIMATES.join(', ')}`,
      }),
      histogram: text,
    },
    isSummary,
  )
  .superRefine(refuseFaults((given: Summary) => faultOf(given) ?? faultOfIntervals(given)))

export const stageLatency = z.looseObject({ ...figures, histogram: text }, isSummary).superRefine(refuseFaults(faultOf))

/** Refuses what a function finds a fault in. */
function refuseFaults<Given>(find: (given: Given) => string | null) {
  return (given: unknown, context: z.RefinementCtx) => {
    const fault = find(given as Given)
    if (fault !== null) context.issues.push({ code: 'custom', message: fault, input: given, path: [] })
  }
}

/** A contradiction between the figures of a summary; null if there is none. */
function faultOf(given: StageLatency): string | null {
  const { min, p50, p90, p95, p99, p999, max, mean, stdDev } = given
  const inOrder = [min, p50, p90, p95, p99, p999, max]
  if (inOrder.some((value, i) => value < (inOrder[i - 1] ?? 0))) {
    return 'must have min, p50, p90, p95, p99, p999 and max in ascending order'
  }
  const histogram = decodeHistogram(given.histogram)
  if (typeof histogram === 'string') return histogram
  const moments = momentsOf(histogram)
  const fault = faultAgainst(histogram, moments.mean, given)
  if (fault !== null) return fault
  const bounded = { ...histogram, min: nanoseconds(min), max: nanoseconds(max) }
  const read = percentilesNs(bounded, Object.values(PERCENTILES))
  for (const [i, name] of Object.keys(PERCENTILES).entries()) {
    if (read[i] !== nanoseconds(given[name as keyof typeof PERCENTILES])) {
      return `must have the ${name} that its histogram has`
    }
  }
  // a value may be anywhere in its bucket
  const rms = Math.hypot(mean, stdDev)
  if (!isBeyond(max) && Math.abs(stdDev - moments.stdDev) > PRECISION * rms) {
    return 'must have the stdDev that its histogram has'
  }
  return null
}

/** Finds an estimate outside of its interval. Returns null if all are inside. */
function faultOfIntervals(given: Summary): string | null {
  for (const estimate of ESTIMATES) {
    const { low, high } = given.intervals[estimate]
    const value = given[estimate]
    if ((low ?? value) > value * (1 + ROUNDING) || (high ?? value) < value * (1 - ROUNDING)) {
      return `must have its ${estimate} within the interval of it`
    }
  }
  return null
}

const segmentTimeSchema = (message: string) =>
  z.looseObject({ count: requests.min(1), min: number, mean: number, max: number, histogram: text }, { error: message })

/** The times of a segment, of all requests or of a class. */
export const segmentTimesSchema = {
  latencyMs: segmentTimeSchema('must be an object, or null').nullable(),
  firstMs: segmentTimeSchema('must be an object').optional(),
  betweenMs: segmentTimeSchema('must be an object').optional(),
}

export const setupTime = z
  .looseObject({
    count: requests.min(1),
    min: number,
    mean: number,
    p50: number,
    p99: number,
    max: number,
    histogram: text,
  })
  .superRefine(refuseFaults(faultOfSetup))

/** A contradiction between the figures of a setup time; null if there is none. */
function faultOfSetup(given: SetupTime): string | null {
  const { min, p50, p99, max } = given
  const histogram = decodeHistogram(given.histogram)
  if (typeof histogram === 'string') return histogram
  if (min > p50 || p50 > p99 || p99 > max) return 'must have min, p50, p99 and max in ascending order'
  return faultAgainst(histogram, momentsOf(histogram).mean, given)
}

import { z } from 'zod'
import { checkVersion, throwFaults } from '../scenario/error.js'
import { NS_PER_MS, nanoseconds } from '../scenario/units.js'
import { decode, forEachBucketOf } from './histogram.js'
import { errorsIn } from './recording.js'
import type { Result } from './result.js'
import { ESTIMATES, PERCENTILES, percentilesNs, type Summary } from './summary.js'
import { bucketCeiling, bucketFloor, HIGHEST_NS } from './tally.js'

/** How far apart two figures may be that are computed from the same counts in another order. */
const ROUNDING = 1e-9
/** How far the mean of buckets may be from that of the values in them. */
const PRECISION = 2e-3

const PROCESSES = ['constant', 'poisson', 'renewal', 'onOff', 'stages', 'replay', 'closed'] as const

const number = z.number({ error: 'must be a number' }).min(0, { error: 'must be 0 or more' })
const requests = z.number({ error: 'must be a whole number' }).int({ error: 'must be a whole number' }).min(0)
const bound = number.nullable()
const interval = z
  .looseObject({ low: bound, high: bound })
  .refine(({ low, high }) => (low ?? 0) <= (high ?? low ?? 0), {
    error: 'must have a low end that is not above the high one',
  })

const summary = z
  .looseObject(
    {
      count: requests.min(1, { error: 'must be at least 1' }),
      ...{ min: number, mean: number, stdDev: number, max: number },
      ...{ p50: number, p90: number, p95: number, p99: number, p999: number },
      intervals: z.looseObject(Object.fromEntries(ESTIMATES.map((estimate) => [estimate, interval])), {
        error: `must be an object of ${ESTIMATES.join(', ')}`,
      }),
      histogram: z.string({ error: 'must be text' }),
    },
    { error: 'must be a summary' },
  )
  .superRefine((given, context) => {
    const fault = faultOf(given as unknown as Summary)
    if (fault !== null) context.issues.push({ code: 'custom', message: fault, input: given, path: [] })
  })

/** Where the figures of a summary contradict one another. */
function faultOf(given: Summary): string | null {
  const { min, p50, p90, p95, p99, p999, max, mean, count } = given
  const inOrder = [min, p50, p90, p95, p99, p999, max]
  if (inOrder.some((value, i) => value < (inOrder[i - 1] ?? 0))) {
    return 'must have min, p50, p90, p95, p99, p999 and max in rising order'
  }
  if (mean < min * (1 - ROUNDING) || mean > max * (1 + ROUNDING)) return 'must have its mean between min and max'
  let histogram: ReturnType<typeof decode>
  try {
    histogram = decode(given.histogram)
  } catch {
    return 'must have a histogram in the compressed base64 of HdrHistogram'
  }
  if (histogram.totalCount !== count) {
    return `must have as many values as its histogram, which holds ${histogram.totalCount.toLocaleString('en')}`
  }
  const ends = { count, min: nanoseconds(min), max: nanoseconds(max) }
  let sumNs = 0
  const read = percentilesNs(Object.values(PERCENTILES), ends, (visit) =>
    forEachBucketOf(histogram, (bucket, times) => {
      sumNs += (times * (bucketFloor(bucket) + bucketCeiling(bucket))) / 2
      visit(bucket, times)
    }),
  )
  for (const [i, name] of Object.keys(PERCENTILES).entries()) {
    if (read[i] !== nanoseconds(given[name as keyof typeof PERCENTILES])) {
      return `must have the ${name} that its histogram has`
    }
  }
  if (ends.max < HIGHEST_NS && Math.abs(mean - sumNs / count / NS_PER_MS) > PRECISION * mean) {
    return 'must have the mean that its histogram has'
  }
  return null
}

const counts = z.looseObject({
  ...{ offered: requests, completed: requests, failed: requests },
  ...{ rejected: requests, timedOut: requests, aborted: requests, unfinished: requests },
})

const segment = z.looseObject({
  ...{ startMs: number, endMs: number, batches: requests, batched: requests, servingMs: number },
  counts,
  latencyMs: z
    .looseObject({ count: requests, min: number, mean: number, max: number, histogram: z.string() })
    .nullable(),
})

const finding = z.looseObject({ code: z.string(), severity: z.enum(['error', 'warning', 'info']), message: z.string() })

/** What of a scenario is told by who reads a result; the rest is the reader's who runs it again. */
const scenario = z.looseObject(
  {
    arrivals: z.looseObject({ process: z.enum(PROCESSES, { error: `must be one of ${PROCESSES.join(', ')}` }) }),
    batching: z.looseObject({ maxBatchSize: number.nullable(), maxWait: number.nullable() }),
    queue: z.looseObject({ capacity: number.nullable(), timeout: number.nullable() }),
    servers: number.nullable(),
    seed: number,
    service: z.looseObject({ model: z.string({ error: 'must be text' }) }).optional(),
  },
  { error: 'must be a scenario, or null' },
)

const text = z.string({ error: 'must be text' })
const environment = z.looseObject(
  { node: text, platform: text, cpu: text, cores: number, load: number },
  { error: 'must be an object, or null' },
)

const SCHEMA = 'throughline/result@1'

/** The schema of a Result, which the published JSON Schema is made of too. */
export const resultSchema = z
  .looseObject({
    schema: z.literal(SCHEMA),
    engine: z.enum(['simulate', 'measure', 'record'], { error: "must be 'simulate', 'measure' or 'record'" }),
    scenario: scenario.nullable(),
    window: z.looseObject({ startMs: number, endMs: number }),
    ...{ latencyMs: summary, waitMs: summary, serviceMs: summary, lagMs: summary },
    ...{ queueingMs: summary, batchingMs: summary, dispatchMs: summary },
    throughput: z.looseObject({ offered: number, completed: number }),
    counts,
    rates: z.looseObject({ error: number, rejection: number }),
    batches: z.looseObject({ count: requests, meanSize: number, sizes: z.record(z.string(), requests) }),
    utilization: number.max(1 + ROUNDING, { error: 'must be at most 1' }).nullable(),
    meanInSystem: number,
    segments: z.array(segment, { error: 'must be a list' }),
    replications: requests.optional(),
    validity: z.looseObject({
      valid: z.boolean({ error: 'must be true or false' }),
      findings: z.array(finding, { error: 'must be a list' }),
    }),
    fromSendMs: summary.nullable(),
    host: z.looseObject({}, { error: 'must be an object, or null' }).nullable(),
    environment: environment.nullable(),
  })
  .superRefine((given, context) => {
    const fault = contradictionOf(given as unknown as Result)
    if (fault === null) return
    const [path, message] = fault
    context.issues.push({ code: 'custom', message, input: given, path: path.split('.') })
  })

/** Where the figures of a result contradict one another, and how. */
function contradictionOf(given: Result): [path: string, message: string] | null {
  const { counts, rates, latencyMs, segments, throughput, window, validity, batches } = given
  const { offered, completed, rejected, aborted } = counts
  if (offered !== completed + errorsIn(counts) + aborted) {
    return ['counts.offered', 'must be the sum of the other counts']
  }
  if (completed !== latencyMs.count) return ['counts.completed', 'must be as many as there are latencies']
  if (!same(rates.error, errorsIn(counts) / offered)) {
    return ['rates.error', 'must be the share of offered that failed, or was rejected, timed out or unfinished']
  }
  if (!same(rates.rejection, rejected / offered)) return ['rates.rejection', 'must be the share of offered']
  if (!same(throughput.offered, (1000 * offered) / (window.endMs - window.startMs))) {
    return ['throughput.offered', 'must be what was offered over the window']
  }
  const due = segments.reduce((sum, segment) => sum + segment.counts.offered, 0)
  const done = segments.reduce((sum, segment) => sum + (segment.latencyMs?.count ?? 0), 0)
  if (due !== offered || done !== completed) return ['segments', 'must add up to the counts of the whole']
  const ofSizes = Object.entries(batches.sizes)
  const batched = ofSizes.reduce((sum, [size, batches]) => sum + Number(size) * batches, 0)
  if (
    batches.count !== ofSizes.reduce((sum, [, batches]) => sum + batches, 0) ||
    !same(batches.meanSize * batches.count, batched)
  ) {
    return ['batches', 'must have the count and the mean that their sizes have']
  }
  if (validity.valid === validity.findings.some(({ severity }) => severity === 'error')) {
    return ['validity.valid', 'must be true where no finding is an error, and false where one is']
  }
  return null
}

const same = (a: number, b: number) => Math.abs(a - b) <= ROUNDING * Math.max(Math.abs(a), Math.abs(b))

/**
 * Refuses what is no result at all, such as the promise of one. What it holds is taken as it is.
 *
 * @throws ScenarioError
 */
export function checkIsResult(value: unknown, name = 'result'): void {
  checkVersion(value, { name, kind: 'result', schema: SCHEMA })
}

/**
 * Checks what may be a result, such as one read from a file.
 *
 * @throws ScenarioError where it is of another version, or its figures contradict one another
 */
export function checkedResult(value: unknown, name = 'result'): Result {
  checkIsResult(value, name)
  const parsed = resultSchema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
  return value as Result
}

/** The same of a summary. */
export function checkedSummary(value: unknown, name = 'summary'): Summary {
  const parsed = summary.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
  return value as Summary
}

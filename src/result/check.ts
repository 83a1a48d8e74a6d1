import { z } from 'zod'
import { BUCKETS, bucketCeiling, bucketFloor, bucketOf, HIGHEST_NS } from '../histogram/buckets.js'
import { decode } from '../histogram/hdr.js'
import type { BucketCounts } from '../histogram/latency-histogram.js'
import { percentilesNs } from '../histogram/percentile.js'
import { type GoodInput, goodSchema } from '../scenario/good.js'
import { NS_PER_MS, nanoseconds } from '../scenario/nanoseconds.js'
import { checkStoredScenario } from '../scenario/scenario.js'
import { LIMITED_TIMES, RESPONSE_TIMES } from '../scenario/times.js'
import { sumBy } from '../statistics/descriptive.js'
import { checkVersion, type Source, sourceOf, throwFaults } from '../validation/validation-error.js'
import type { ClassResult, ClassSegment } from './classes.js'
import { type Goodput, goodPart } from './goodput.js'
import { CLASS_METRICS, type ClassMetric, type Counts, errorsIn, totalOf } from './recording.js'
import type { Result } from './result.js'
import type { StageLatency, StageResult } from './stages.js'
import { ESTIMATES, PERCENTILES, type Summary } from './summary.js'

/** The relative rounding error of figures that are computed from the same counts in another order. */
const ROUNDING = 1e-9
/** How far the mean of buckets may be from that of the values in them, relative to it. */
const PRECISION = 2e-3

const PROCESSES = ['constant', 'poisson', 'renewal', 'onOff', 'stages', 'replay', 'closed'] as const

const text = z.string({ error: 'must be a string' })
const number = z.number({ error: 'must be a number' }).min(0, { error: 'must be 0 or more' })
const requests = z.number({ error: 'must be a whole number' }).int({ error: 'must be a whole number' }).min(0)
const bound = number.nullable()
const interval = z
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

const summary = z
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
  .superRefine((given, context) => {
    const fault = faultOf(given as unknown as Summary) ?? faultOfIntervals(given as unknown as Summary)
    if (fault !== null) context.issues.push({ code: 'custom', message: fault, input: given, path: [] })
  })

const stageLatency = z.looseObject({ ...figures, histogram: text }, isSummary).superRefine((given, context) => {
  const fault = faultOf(given as unknown as StageLatency)
  if (fault !== null) context.issues.push({ code: 'custom', message: fault, input: given, path: [] })
})

/** A contradiction between the figures of a summary; null if there is none. */
function faultOf(given: StageLatency): string | null {
  const { min, p50, p90, p95, p99, p999, max, mean, stdDev } = given
  const inOrder = [min, p50, p90, p95, p99, p999, max]
  if (inOrder.some((value, i) => value < (inOrder[i - 1] ?? 0))) {
    return 'must have min, p50, p90, p95, p99, p999 and max in rising order'
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

/** The figures that summaries and segments both have. */
type Moments = Pick<Summary, 'count' | 'min' | 'mean' | 'max'>

/** A contradiction between count, mean and extremes, and a histogram; null if there is none. */
function faultAgainst(
  histogram: BucketCounts,
  meanOfBuckets: number,
  { count, min, mean, max }: Moments,
): string | null {
  if (histogram.count !== count) {
    return `must have as many values as its histogram, which holds ${histogram.count.toLocaleString('en')}`
  }
  if (mean < min * (1 - ROUNDING) || mean > max * (1 + ROUNDING)) return 'must have its mean between min and max'
  if (bucketIn(min) !== histogram.buckets[0] || bucketIn(max) !== histogram.buckets.at(-1)) {
    return 'must have the min and max that its histogram has'
  }
  if (!isBeyond(max) && Math.abs(mean - meanOfBuckets) > PRECISION * mean) {
    return 'must have the mean that its histogram has'
  }
  return null
}

interface BucketMoments {
  mean: number
  stdDev: number
}

/** The moments of histograms that are kept decoded. */
const knownMoments = new WeakMap<BucketCounts, BucketMoments>()

/** Mean and standard deviation of the middles of a histogram's buckets, in milliseconds. */
function momentsOf(histogram: BucketCounts): BucketMoments {
  const moments = knownMoments.get(histogram) ?? computeMoments(histogram)
  knownMoments.set(histogram, moments)
  return moments
}

function computeMoments({ count, buckets, counts }: BucketCounts): BucketMoments {
  let sum = 0
  let squares = 0
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i] as number
    const times = counts[i] as number
    const middle = (bucketFloor(bucket) + bucketCeiling(bucket)) / 2
    sum += times * middle
    squares += times * middle ** 2
  }
  const mean = sum / count
  const variance = Math.max(0, squares / count - mean ** 2)
  return { mean: mean / NS_PER_MS, stdDev: Math.sqrt(variance) / NS_PER_MS }
}

/** Durations from an hour on are counted in the last bucket. */
const isBeyond = (ms: number) => nanoseconds(ms) >= HIGHEST_NS
const bucketIn = (ms: number) => bucketOf(Math.min(nanoseconds(ms), HIGHEST_NS))

/** Decodes a histogram, or says what is wrong with it. */
function decodeHistogram(base64: string): BucketCounts | string {
  try {
    return decode(base64)
  } catch {
    return 'must have a histogram in the compressed base64 of HdrHistogram'
  }
}

/** The buckets of a histogram that was found to be valid. */
const bucketsOf = ({ histogram }: { histogram: string }) => decodeHistogram(histogram) as BucketCounts

const counts = z.looseObject({
  ...{ offered: requests, completed: requests, failed: requests },
  good: requests.optional(),
  ...{ rejected: requests, timedOut: requests, aborted: requests, unfinished: requests },
})

const segmentLatency = z
  .looseObject(
    { count: requests.min(1), min: number, mean: number, max: number, histogram: text },
    { error: 'must be an object, or null' },
  )
  .nullable()

const segment = z.looseObject({
  ...{ startMs: number, endMs: number, batches: requests, batched: requests, servingMs: number },
  counts,
  inSystem: number,
  latencyMs: segmentLatency,
})

const goodput = z.looseObject({
  limits: goodSchema,
  fraction: number.max(1, { error: 'must be at most 1' }),
  perSecond: number,
  interval,
})

const rates = z.looseObject({ error: number, rejection: number })

const classResult = z.looseObject({
  counts,
  offeredPerSecond: number,
  latencyMs: summary.nullable(),
  firstMs: summary.optional(),
  betweenMs: summary.optional(),
  rates: rates.nullable(),
  goodput: goodput.optional(),
  segments: z.array(z.looseObject({ counts, latencyMs: segmentLatency }), { error: 'must be a list' }),
})

const stageResult = z.looseObject({
  first: requests.min(1, { error: 'must be at least 1' }),
  last: requests.min(1, { error: 'must be at least 1' }),
  ...{ startMs: number, endMs: number, fromPerSecond: number, toPerSecond: number, windowMs: number },
  throughput: z.looseObject({ offered: number, completed: number }).nullable(),
  counts,
  latencyMs: stageLatency.nullable(),
})

const setupTime = z
  .looseObject({
    count: requests.min(1),
    min: number,
    mean: number,
    p50: number,
    p99: number,
    max: number,
    histogram: text,
  })
  .superRefine((given, context) => {
    const { min, p50, p99, max } = given
    const histogram = decodeHistogram(given.histogram)
    const fault =
      typeof histogram === 'string'
        ? histogram
        : min > p50 || p50 > p99 || p99 > max
          ? 'must have min, p50, p99 and max in rising order'
          : faultAgainst(histogram, momentsOf(histogram).mean, given)
    if (fault !== null) context.issues.push({ code: 'custom', message: fault, input: given, path: [] })
  })

const connections = z
  .looseObject({
    ...{ opened: requests, openedInWindow: requests, closed: requests, failed: requests },
    ...{ sentBytes: number, receivedBytes: number },
    setupMs: setupTime.nullable(),
    ...{ dnsMs: setupTime.optional(), tcpMs: setupTime.optional(), tlsMs: setupTime.optional() },
  })
  .refine(({ opened, openedInWindow }) => openedInWindow <= opened, {
    error: 'must be at most the number opened',
    path: ['openedInWindow'],
  })
  .refine(({ opened, setupMs }) => opened === (setupMs?.count ?? 0), {
    error: 'must have one time for each opened connection',
    path: ['setupMs'],
  })

const batchSize = z.string().regex(/^[1-9]\d*$/, { error: 'must be the size of a batch' })

const finding = z.looseObject({ code: text, severity: z.enum(['error', 'warning', 'info']), message: text })

/** The fields of a scenario that reports show. The rest is checked when it is run again. */
const scenario = z.looseObject(
  {
    arrivals: z.looseObject({ process: z.enum(PROCESSES, { error: `must be one of ${PROCESSES.join(', ')}` }) }),
    batching: z.looseObject({ maxBatchSize: number.nullable(), maxWait: number.nullable() }),
    queue: z.looseObject({ capacity: number.nullable(), timeout: number.nullable() }),
    servers: number.nullable(),
    seed: number,
    service: z.looseObject({ model: z.string({ error: 'must be a string' }) }).optional(),
  },
  { error: 'must be a scenario, or null' },
)

const environment = z.looseObject(
  { node: text, platform: text, cpu: text, cores: number, load: number },
  { error: 'must be an object, or null' },
)

/** Null, with the reason elsewhere, if it is unknown. */
const known = <Schema extends z.ZodType>(schema: Schema) => schema.nullable()
const list = { error: 'must be a list, or null' }
const host = z.looseObject(
  {
    speed: known(
      z.looseObject({
        slowest: number,
        fastest: number,
        timeline: z.array(z.looseObject({ atMs: number, speed: number }), { error: 'must be a list' }),
      }),
    ),
    gc: known(z.array(z.looseObject({ thread: text, count: requests, totalMs: number, longestMs: number }), list)),
    eventLoopDelay: known(z.looseObject({ meanMs: number, p50Ms: number, p99Ms: number, maxMs: number })),
    cpu: known(
      z.looseObject({
        ...{ periodMs: number, cores: number, othersMs: number, stealMs: number },
        threads: z.array(z.looseObject({ thread: text, busyMs: number, fraction: number, waitingMs: number }), list),
      }),
    ),
  },
  { error: 'must be an object, or null' },
)

const sentShard = z
  .looseObject({
    index: requests.min(1, { error: 'must be at least 1' }),
    count: requests.min(1, { error: 'must be at least 1' }),
    startedAt: z.iso.datetime({ error: 'must be a date in ISO 8601' }),
  })
  .refine(({ index, count }) => index <= count, { error: 'must have an index of at most its count', path: ['index'] })

const merged = z.looseObject({
  as: z.enum(['shards', 'replications'], { error: "must be 'shards' or 'replications'" }),
  machines: z
    .array(
      z.looseObject({
        name: text,
        seed: number.nullable(),
        shard: sentShard.optional(),
        requests: z.looseObject({
          ...{ offered: requests, completed: requests, errors: requests },
          rejected: requests.optional(),
        }),
        classes: z
          .record(z.string(), z.looseObject({ offered: requests, errors: requests, rejected: requests }))
          .optional(),
        throughput: z.looseObject({ offered: number, completed: number }),
        batches: z.looseObject({ count: requests, meanSize: number }).optional(),
        utilization: number.nullable().optional(),
        latencyMs: z.looseObject({ mean: number, p50: number, p99: number, max: number }),
        clockErrorMs: number.optional(),
        valid: z.boolean({ error: 'must be true or false' }),
        environment: environment.nullable(),
      }),
      { error: 'must be a list of machines' },
    )
    .min(1, { error: 'must be of one machine or more' }),
})

const SCHEMA = 'throughline/result@1'

/**
 * The schema of a Result, which the published JSON Schema is made of too.
 *
 * @internal left out of the declarations, which would write all of it in full
 */
export const resultSchema = z
  .looseObject({
    schema: z.literal(SCHEMA),
    engine: z.enum(['simulate', 'measure', 'record'], { error: "must be 'simulate', 'measure' or 'record'" }),
    scenario: scenario.nullable(),
    window: z.looseObject({ startMs: number, endMs: number }),
    ...{ latencyMs: summary, waitMs: summary, serviceMs: summary, lagMs: summary },
    ...{ queueingMs: summary, batchingMs: summary, dispatchMs: summary },
    firstMs: summary.optional(),
    betweenMs: summary.optional(),
    throughput: z.looseObject({ offered: number, completed: number }),
    counts,
    failures: z.record(z.string(), requests).optional(),
    failedMs: summary.optional(),
    rates,
    goodput: goodput.optional(),
    classes: z.record(z.string(), classResult).optional(),
    stages: z.array(stageResult, { error: 'must be a list' }).optional(),
    batches: z.looseObject({ count: requests, meanSize: number, sizes: z.record(batchSize, requests) }),
    bytes: z
      .looseObject({ sent: number, received: number, sentPerSecond: number, receivedPerSecond: number })
      .optional(),
    connections: connections.optional(),
    utilization: number.max(1 + ROUNDING, { error: 'must be at most 1' }).nullable(),
    meanInSystem: number,
    segments: z.array(segment, { error: 'must be a list' }),
    servers: requests.optional(),
    replications: requests.optional(),
    shard: sentShard.optional(),
    merged: merged.optional(),
    checkpoints: z.looseObject({ planned: requests.min(1), taken: requests.min(1) }).optional(),
    validity: z.looseObject({
      valid: z.boolean({ error: 'must be true or false' }),
      findings: z.array(finding, { error: 'must be a list' }),
    }),
    fromSendMs: summary.nullable(),
    host: host.nullable(),
    environment: environment.nullable(),
  })
  .superRefine((given, context) => {
    const fault = contradictionOf(given as unknown as Result)
    if (fault === null) return
    const [path, message] = fault
    context.issues.push({ code: 'custom', message, input: given, path: path.split('.') })
  })

/** A figure that another one contradicts, and what it must be. */
type Contradiction = [path: string, message: string]

/** A contradiction between the figures of a result; null if there is none. */
function contradictionOf(given: Result): Contradiction | null {
  const { counts, rates, latencyMs, segments, throughput, window, validity, batches } = given
  const { offered, completed, aborted } = counts
  if (window.endMs <= window.startMs) return ['window.endMs', 'must be after the start']
  if (offered !== completed + errorsIn(counts) + aborted) {
    return ['counts.offered', 'must be the sum of the other counts']
  }
  if (completed !== latencyMs.count) return ['counts.completed', 'must equal the number of latencies']
  const inRates = contradictionInRates(rates, counts, '')
  if (inRates !== null) return inRates
  if (!same(throughput.offered, (1000 * offered) / (window.endMs - window.startMs))) {
    return ['throughput.offered', 'must be counts.offered divided by the length of the window']
  }
  const inGoodput = contradictionOfGoodput(given)
  if (inGoodput !== null) return inGoodput
  const inSegments = contradictionIn(segments, given)
  if (inSegments !== null) return inSegments
  const inFailures = contradictionOfFailures(given)
  if (inFailures !== null) return inFailures
  const inClasses = contradictionOfClasses(given)
  if (inClasses !== null) return inClasses
  const inStages = contradictionOfStages(given)
  if (inStages !== null) return inStages
  const inParts = contradictionOfParts(given)
  if (inParts !== null) return inParts
  const ofSizes = Object.entries(batches.sizes)
  const batched = sumBy(ofSizes, ([size, batches]) => Number(size) * batches)
  if (batches.count !== sumBy(ofSizes, ([, batches]) => batches) || !same(batches.meanSize * batches.count, batched)) {
    return ['batches', 'must have the count and the mean size that follow from sizes']
  }
  const inBytes = contradictionOfBytes(given)
  if (inBytes !== null) return inBytes
  const inResponses = contradictionOfResponses(given)
  if (inResponses !== null) return inResponses
  const inMachines = contradictionOfMachines(given)
  if (inMachines !== null) return inMachines
  if (validity.valid === validity.findings.some(({ severity }) => severity === 'error')) {
    return ['validity.valid', 'must be true if no finding is an error, and false otherwise']
  }
  return null
}

/** Finds a contradiction between bytes and their rates. */
function contradictionOfBytes({ bytes, window }: Result): Contradiction | null {
  if (bytes === undefined) return null
  const seconds = (window.endMs - window.startMs) / 1000
  const areRates =
    same(bytes.sentPerSecond, bytes.sent / seconds) && same(bytes.receivedPerSecond, bytes.received / seconds)
  return areRates ? null : ['bytes', 'must have rates equal to the bytes divided by the length of the window']
}

/** A contradiction between failures by kind and their count; null if there is none. */
function contradictionOfFailures({ failures, failedMs, counts }: Result): Contradiction | null {
  if (failures !== undefined && sumBy(Object.values(failures), (count) => count) !== counts.failed) {
    return ['failures', 'must add up to counts.failed']
  }
  if (failedMs !== undefined && failedMs.count !== counts.failed) {
    return ['failedMs.count', 'must equal counts.failed']
  }
  return null
}

/** A contradiction within classes, or between them and the whole; null if there is none. */
function contradictionOfClasses(whole: Result): Contradiction | null {
  const { classes, counts, segments, window } = whole
  if (classes === undefined) return null
  const all = Object.values(classes)
  const seconds = (window.endMs - window.startMs) / 1000
  for (const [name, each] of Object.entries(classes)) {
    const at = `classes.${name}`
    const { offered, completed } = each.counts
    if (!same(each.offeredPerSecond, offered / seconds)) {
      return [`${at}.offeredPerSecond`, 'must be counts.offered divided by the length of the window']
    }
    if (completed !== (each.latencyMs?.count ?? 0)) {
      return [`${at}.counts.completed`, 'must equal the number of latencies']
    }
    if ((each.rates === null) !== (offered === 0))
      return [`${at}.rates`, 'must be null exactly when no request was offered']
    const inRates = each.rates === null ? null : contradictionInRates(each.rates, each.counts, `${at}.`)
    if (inRates !== null) return inRates
    const inGoodput = contradictionInGoodput(each.goodput, each.counts, `${at}.`, seconds)
    if (inGoodput !== null) return inGoodput
    const inResponses = contradictionOfResponses(each, `${at}.`)
    if (inResponses !== null) return inResponses
    if (each.segments.length !== segments.length)
      return [`${at}.segments`, 'must be as many segments as the whole result has']
    const inSegments = contradictionInClass(each.segments, each, at)
    if (inSegments !== null) return inSegments
  }
  if (!areSame(totalOf(all.map((each) => each.counts)), counts))
    return ['classes', 'must add up to the counts of the whole']
  for (const [k, segment] of segments.entries()) {
    const own = all.map((each) => (each.segments[k] as ClassSegment).counts)
    if (!areSame(totalOf(own), segment.counts)) return ['classes', `must add up to the counts of segments.${k}`]
  }
  return contradictionOfTimes(all, whole)
}

/** Finds a time whose classes together differ from the whole result; null if there is none. */
function contradictionOfTimes(classes: readonly ClassResult[], whole: Result): Contradiction | null {
  for (const metric of CLASS_METRICS) {
    const own = classes.flatMap((each) => each[`${metric}Ms`] ?? [])
    // a result stored without the times of responses of its classes stays readable
    if (own.length === 0) continue
    const ofWhole = whole[`${metric}Ms`]
    const buckets = new Buckets()
    for (const each of own) buckets.add(bucketsOf(each))
    const isWhole = sumBy(own, ({ count }) => count) === ofWhole?.count && buckets.hold(bucketsOf(ofWhole))
    const name = metric === 'latency' ? 'latencies' : `'${metric}' times`
    if (!isWhole) return ['classes', `must hold the same ${name} as the whole result`]
  }
  return null
}

/** Finds a contradiction within stages, or between them and the whole. */
function contradictionOfStages({ stages, scenario, counts, latencyMs, window }: Result): Contradiction | null {
  if (stages === undefined) return null
  if (scenario?.arrivals.process !== 'stages') return ['stages', 'must be absent: the arrivals are not in stages']
  for (const [k, stage] of stages.entries()) {
    const inStage = contradictionInStage(stage, stages[k - 1], `stages.${k}`)
    if (inStage !== null) return inStage
  }
  if (sumBy(stages, ({ windowMs }) => windowMs) > (window.endMs - window.startMs) * (1 + ROUNDING)) {
    return ['stages', 'must not be longer than the window']
  }
  if (!areSame(totalOf(stages.map((stage) => stage.counts)), counts)) {
    return ['stages', 'must add up to the counts of the whole']
  }
  const buckets = new Buckets()
  for (const stage of stages) if (stage.latencyMs !== null) buckets.add(bucketsOf(stage.latencyMs))
  return buckets.hold(bucketsOf(latencyMs)) ? null : ['stages', 'must hold the same latencies as the whole result']
}

function contradictionInStage(stage: StageResult, before: StageResult | undefined, at: string): Contradiction | null {
  const { startMs, endMs, windowMs, first, last, counts, throughput, latencyMs } = stage
  if (startMs !== (before?.endMs ?? 0)) return [`${at}.startMs`, 'must be the end of the stage before it, or 0']
  if (endMs < startMs) return [`${at}.endMs`, 'must not be before its start']
  if (first <= (before?.last ?? 0) || last < first)
    return [`${at}.first`, 'must be greater than `last` of the stage before it']
  if (counts.offered !== counts.completed + errorsIn(counts) + counts.aborted) {
    return [`${at}.counts.offered`, 'must be the sum of the other counts']
  }
  if (tooManyGood(counts)) return [`${at}.counts.good`, 'must be at most counts.completed']
  if (counts.completed !== (latencyMs?.count ?? 0)) {
    return [`${at}.counts.completed`, 'must equal the number of latencies']
  }
  if ((throughput === null) !== (windowMs === 0)) {
    return [`${at}.throughput`, 'must be null exactly when no part of the stage is in the window']
  }
  return throughput === null || same(throughput.offered, (1000 * counts.offered) / windowMs)
    ? null
    : [`${at}.throughput.offered`, 'must be counts.offered divided by the seconds of windowMs']
}

/** A contradiction between good requests, of all or of a class, and the counts that they are computed from. */
function contradictionInGoodput(
  goodput: Goodput | undefined,
  counts: Counts,
  at: string,
  seconds: number,
): Contradiction | null {
  if (tooManyGood(counts)) return [`${at}counts.good`, 'must be at most counts.completed']
  if (goodput === undefined) return null
  const { amount, of } = goodPart(counts)
  if (!same(goodput.fraction, amount / of)) return [`${at}goodput.fraction`, 'must be the fraction of good requests']
  return same(goodput.perSecond, amount / seconds)
    ? null
    : [`${at}goodput.perSecond`, 'must be counts.good divided by the length of the window']
}

/** A contradiction between rates, of all requests or of a class, and the counts that they are computed from. */
function contradictionInRates({ error, rejection }: Result['rates'], counts: Counts, at: string): Contradiction | null {
  if (!same(error, errorsIn(counts) / counts.offered)) {
    return [
      `${at}rates.error`,
      'must be the fraction of offered requests that failed, timed out, or were rejected or left unfinished',
    ]
  }
  return same(rejection, counts.rejected / counts.offered)
    ? null
    : [`${at}rates.rejection`, 'must be the fraction of offered requests that were rejected']
}

/** A contradiction between the segments of a class and the class. */
function contradictionInClass(
  segments: readonly ClassSegment[],
  { counts, latencyMs }: Pick<ClassResult, 'counts' | 'latencyMs'>,
  at: string,
): Contradiction | null {
  const buckets = new Buckets()
  for (const [k, segment] of segments.entries()) {
    const inSegment = contradictionInSegment(segment, `${at}.segments.${k}`, buckets)
    if (inSegment !== null) return inSegment
  }
  if (!areSame(totalOf(segments.map((segment) => segment.counts)), counts)) {
    return [`${at}.segments`, 'must add up to the counts of the class']
  }
  return latencyMs === null || buckets.hold(bucketsOf(latencyMs))
    ? null
    : [`${at}.segments`, 'must hold the same latencies as the class']
}

/**
 * A contradiction within a segment, of all requests or of a class; null if there is none.
 *
 * @param buckets adds up the latencies of all segments
 */
function contradictionInSegment(
  { counts, latencyMs }: ClassSegment,
  at: string,
  buckets: Buckets,
): Contradiction | null {
  if (counts.offered !== counts.completed + errorsIn(counts) + counts.aborted) {
    return [`${at}.counts.offered`, 'must be the sum of the other counts']
  }
  if (counts.completed !== (latencyMs?.count ?? 0)) {
    return [`${at}.counts.completed`, 'must equal the number of latencies']
  }
  if (tooManyGood(counts)) return [`${at}.counts.good`, 'must be at most counts.completed']
  if (latencyMs === null) return null
  const histogram = decodeHistogram(latencyMs.histogram)
  const fault =
    typeof histogram === 'string' ? histogram : faultAgainst(histogram, momentsOf(histogram).mean, latencyMs)
  if (fault !== null) return [`${at}.latencyMs`, fault]
  buckets.add(histogram as BucketCounts)
  return null
}

const areSame = (a: Counts, b: Counts) =>
  Object.entries(a).every(([name, requests]) => (b[name as keyof Counts] ?? 0) === requests)

/** Counts by bucket, summed over several histograms. */
class Buckets {
  readonly #counts = new Float64Array(BUCKETS)

  add({ buckets, counts }: BucketCounts): void {
    for (let i = 0; i < buckets.length; i++) {
      const bucket = buckets[i] as number
      this.#counts[bucket] = (this.#counts[bucket] as number) + (counts[i] as number)
    }
  }

  /** Whether they hold what a histogram of as many values holds. */
  hold({ buckets, counts }: BucketCounts): boolean {
    return buckets.every((bucket, i) => this.#counts[bucket] === counts[i])
  }
}

/** A contradiction within segments, or between them and the whole; null if there is none. */
function contradictionIn(segments: Result['segments'], whole: Result): Contradiction | null {
  const { counts, latencyMs, batches } = whole
  const unjudged = segments.findIndex((segment) => (segment.counts.good === undefined) !== (counts.good === undefined))
  if (unjudged >= 0) return [`segments.${unjudged}.counts.good`, 'must be present exactly when the whole result has it']
  if (!areSame(totalOf(segments.map((segment) => segment.counts)), counts)) {
    return ['segments', 'must add up to the counts of the whole']
  }
  const sum = (of: (segment: Result['segments'][number]) => number) => sumBy(segments, of)
  const batched = Object.entries(batches.sizes).reduce((all, [size, times]) => all + Number(size) * times, 0)
  if (sum((each) => each.batches) !== batches.count || sum((each) => each.batched) !== batched) {
    return ['segments', 'must add up to the batches of the whole']
  }
  const inSegments = new Buckets()
  for (const [i, segment] of segments.entries()) {
    const at = `segments.${i}`
    if (segment.startMs > segment.endMs) return [`${at}.endMs`, 'must not be before its start']
    const inSegment = contradictionInSegment(segment, at, inSegments)
    if (inSegment !== null) return inSegment
  }
  const of = segments.flatMap(({ latencyMs }) => latencyMs ?? [])
  const mean = of.reduce((all, each) => all + each.count * each.mean, 0) / latencyMs.count
  const extremes = [Math.min(...of.map(({ min }) => min)), Math.max(...of.map(({ max }) => max))] as const
  if (
    // their counts have the same sum
    !inSegments.hold(bucketsOf(latencyMs)) ||
    extremes[0] !== latencyMs.min ||
    extremes[1] !== latencyMs.max ||
    !isAbout(mean, latencyMs.mean)
  ) {
    return ['segments', 'must hold the same latencies as the whole result']
  }
  return null
}

const tooManyGood = ({ good = 0, completed }: Counts) => good > completed

/** A contradiction between goodput and the counts that it is computed from; null if there is none. */
function contradictionOfGoodput(given: Result): Contradiction | null {
  const { goodput, counts, scenario, window, validity } = given
  if ((goodput === undefined) !== (counts.good === undefined)) {
    return ['counts.good', 'must be present exactly when the result has goodput']
  }
  const isUnknown = validity.findings.some(({ code }) => code === 'goodput-unknown')
  if (scenario !== null && (scenario.good === undefined || isUnknown) !== (goodput === undefined)) {
    return ['goodput', "must be present exactly when the scenario has 'good' and goodput is known"]
  }
  if (goodput === undefined) return null
  const { fraction, interval, limits } = goodput
  const asked = (scenario?.good ?? limits) as GoodInput
  if (LIMITED_TIMES.some((time) => asked[time] !== limits[time]))
    return ['goodput.limits', "must be the limits of the scenario's 'good'"]
  const inGoodput = contradictionInGoodput(goodput, counts, '', (window.endMs - window.startMs) / 1000)
  if (inGoodput !== null) return inGoodput
  if (
    (interval.low ?? fraction) > fraction * (1 + ROUNDING) ||
    (interval.high ?? fraction) < fraction * (1 - ROUNDING)
  ) {
    return ['goodput.interval', 'must contain the fraction']
  }
  return null
}

const WAITS = ['lagMs', 'queueingMs', 'batchingMs', 'dispatchMs'] as const

/** A contradiction between latency and its parts, which are of the same requests and add up; null if there is none. */
function contradictionOfParts(given: Result): Contradiction | null {
  const { latencyMs, waitMs, serviceMs } = given
  for (const name of ['waitMs', 'serviceMs', ...WAITS] as const) {
    if (given[name].count !== latencyMs.count) return [`${name}.count`, 'must equal the number of latencies']
  }
  if (!isAbout(waitMs.mean + serviceMs.mean, latencyMs.mean)) {
    return ['waitMs.mean', 'must be the mean latency minus the mean service time']
  }
  const parts = WAITS.reduce((sum, name) => sum + given[name].mean, 0)
  return isAbout(parts, waitMs.mean) ? null : ['waitMs.mean', 'must be the sum of lag, queueing, batching and dispatch']
}

/**
 * Finds a contradiction between latency and the times of responses, which are parts of it; null if there is none.
 *
 * @param at the path of the class, with a dot at the end
 */
function contradictionOfResponses(
  { firstMs, betweenMs, latencyMs }: Pick<ClassResult, `${ClassMetric}Ms`>,
  at = '',
): Contradiction | null {
  if (firstMs === undefined) {
    return betweenMs === undefined
      ? null
      : [`${at}betweenMs`, 'must be absent without firstMs: a gap is between two events']
  }
  if (latencyMs === null || firstMs.count > latencyMs.count) {
    return [`${at}firstMs.count`, 'must be at most the number of latencies']
  }
  let within = 0
  for (const time of RESPONSE_TIMES) {
    const summary = { firstMs, betweenMs }[`${time}Ms`]
    if (summary === undefined) continue
    if (summary.max > latencyMs.max) return [`${at}${time}Ms.max`, 'must be at most the longest latency']
    within += summary.count * summary.mean
    if (within > latencyMs.count * latencyMs.mean * (1 + ROUNDING)) {
      return [`${at}${time}Ms.mean`, 'must be possible within the latency of the requests']
    }
  }
  return null
}

/** A contradiction between merged machines and the whole; null if there is none. */
function contradictionOfMachines({ merged, counts, validity }: Result): Contradiction | null {
  if (merged === undefined) return null
  const { machines } = merged
  const sum = (of: (machine: (typeof machines)[number]) => number) => sumBy(machines, of)
  if (
    sum(({ requests }) => requests.offered) !== counts.offered ||
    sum(({ requests }) => requests.completed) !== counts.completed
  ) {
    return ['merged.machines', 'must have as many requests together as the whole result']
  }
  if (validity.valid && machines.some(({ valid }) => !valid)) {
    return ['validity.valid', 'must be false if a machine is invalid']
  }
  return null
}

/** Compares means of nanoseconds: to a millionth, or a nanosecond. */
const isAbout = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * (1 + Math.max(Math.abs(a), Math.abs(b)))

const same = (a: number, b: number) => Math.abs(a - b) <= ROUNDING * Math.max(Math.abs(a), Math.abs(b))

/**
 * Checks that a value is a result, and not the promise of one, but not its contents.
 *
 * @throws ValidationError
 */
export function checkIsResult(value: unknown, name: Source = 'result'): void {
  checkVersion(value, { name, kind: 'result', schema: SCHEMA })
}

/**
 * Checks a value that should be a result, such as one read from a file.
 *
 * @throws ValidationError if it has another version, or its figures contradict each other
 */
export function checkResult(value: unknown, name: Source = 'result'): Result {
  checkIsResult(value, name)
  parseWith(resultSchema, value, name)
  const result = value as Result
  if (result.scenario !== null) checkStoredScenario(result.scenario, sourceOf(name, 'scenario'))
  return result
}

/** The same for a summary. */
export function checkSummary(value: unknown, name: Source = 'summary'): Summary {
  parseWith(summary, value, name)
  return value as Summary
}

function parseWith(schema: z.ZodType, value: unknown, name: Source): void {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
}

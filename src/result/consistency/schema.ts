import { z } from 'zod'
import type { Arrivals } from '../../scenario/arrivals/arrivals.js'
import { goodSchema } from '../../scenario/good.js'
import type { Result } from '../result.js'
import { contradictionOf } from './contradictions.js'
import { ROUNDING } from './rounding.js'
import { interval, number, requests, segmentTimesSchema, setupTime, stageLatency, summary, text } from './summaries.js'

/** Types fail while an arrival process is missing. */
const PROCESSES = {
  ...{ constant: 'constant', poisson: 'poisson', renewal: 'renewal', onOff: 'onOff' },
  ...{ stages: 'stages', replay: 'replay', closed: 'closed' },
} as const satisfies { [Process in Arrivals['process']]: Process }

const counts = z.looseObject({
  ...{ offered: requests, completed: requests, failed: requests },
  good: requests.optional(),
  ...{ rejected: requests, timedOut: requests, aborted: requests, unfinished: requests },
})

const segment = z.looseObject({
  ...{ startMs: number, endMs: number, batches: requests, batched: requests, servingMs: number },
  counts,
  inSystem: number,
  ...segmentTimesSchema,
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
  segments: z.array(z.looseObject({ counts, ...segmentTimesSchema }), { error: 'must be a list' }),
})

const stageResult = z.looseObject({
  first: requests.min(1, { error: 'must be at least 1' }),
  last: requests.min(1, { error: 'must be at least 1' }),
  ...{ startMs: number, endMs: number, fromPerSecond: number, toPerSecond: number, windowMs: number },
  throughput: z.looseObject({ offered: number, completed: number }).nullable(),
  counts,
  latencyMs: stageLatency.nullable(),
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
    arrivals: z.looseObject({
      process: z.enum(PROCESSES, { error: `must be one of ${Object.keys(PROCESSES).join(', ')}` }),
    }),
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

export const SCHEMA = 'throughline/result@1'

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

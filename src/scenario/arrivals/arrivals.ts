import { z } from 'zod'
import { valuesOf } from '../by-hash.js'
import { listed } from '../listed.js'
import { LONGEST_NS, NS_PER_MS } from '../nanoseconds.js'
import { type Variation, variationSchema, variedDuration } from '../service/variation.js'
import {
  type Duration,
  duration,
  durationMs,
  options,
  positiveDuration,
  type Rate,
  rateOrNoneSchema,
  rateSchema,
  readOptions,
  whole,
} from '../units.js'
import { expectedRequests, lengthMs } from './ramps.js'

const timestampsError = 'must be a non-empty list of times of 0 or more, in ascending order'
const timestampError = "must be a time of 0 or more, in milliseconds or with a unit ('250us', '5ms', '1.5s', '2m')"
const timestamps = z
  .array(z.union([z.number(), z.string()], { error: timestampError }), { error: timestampsError })
  .min(1, { error: timestampsError })
  // parsed here: a schema for each element is ten times slower on a long trace
  .transform((given, context) => {
    const times = new Array<number>(given.length)
    let last = 0
    for (let i = 0; i < given.length; i++) {
      const ms = durationMs(given[i])
      const legal = ms !== null && ms >= 0 && ms * NS_PER_MS < LONGEST_NS
      if (!legal || ms < last) {
        const message = legal ? `must not be earlier than the time before it, ${last} ms` : timestampError
        context.issues.push({ code: 'custom', message, input: given, path: [i] })
        return z.NEVER
      }
      times[i] = ms
      last = ms
    }
    return times
  })

const speedError = 'must be a number above 0: 1 replays at the original speed, 100 a hundred times faster'
const speed = z.number({ error: speedError }).gt(0, { error: speedError, abort: true })

const stagesError = 'must be a list of one or more stages, each { rate, duration }'
const stagesSchema = z
  .array(options({ rate: rateOrNoneSchema, duration }), { error: stagesError })
  .min(1, { error: stagesError, abort: true })

/** The minimum mean number of requests in an `on` period. With fewer, the process is almost Poisson and slow to draw. */
const FEWEST_WHILE_ON = 1e-3

const onOffSchema = options({
  process: z.literal('onOff'),
  rate: rateSchema,
  on: positiveDuration,
  off: duration,
}).refine((given) => (given.rate * given.on) / 1000 >= FEWEST_WHILE_ON, {
  path: ['on'],
  error:
    'must be long enough that 1,000 on-periods have at least one request on average; for shorter periods use poisson(rate * on / (on + off))',
})

const stagedSchema = options({ process: z.literal('stages'), from: rateOrNoneSchema.optional(), stages: stagesSchema })
  .refine((given) => given.stages.some(({ duration }) => duration > 0), {
    path: ['stages'],
    error: 'must have a total duration above 0',
  })
  .refine((given) => expectedRequests(given) > 0 || given.stages.every(({ duration }) => duration === 0), {
    path: ['stages'],
    error: 'must have a rate above 0 in at least one stage',
  })
  .refine((given) => lengthMs(given) * NS_PER_MS < LONGEST_NS, {
    path: ['stages'],
    error: 'must last less than 104 days (2^53 ns), the longest run, in total',
  })

const replaySchema = options({
  process: z.literal('replay'),
  timestamps: listed(timestamps, timestampsError),
  speed: speed.optional(),
}).refine(
  (given) => ((valuesOf<number>(given.timestamps).at(-1) as number) * NS_PER_MS) / (given.speed ?? 1) < LONGEST_NS,
  {
    path: ['speed'],
    error: 'must be high enough that the last request is due within 104 days (2^53 ns), the longest run',
  },
)

const arrivalsError =
  "must be a rate above 0 ('800/s', or a number per second) or an arrival process: { process: constant | poisson | renewal | onOff | stages | replay | closed, … }"
const process = z.discriminatedUnion(
  'process',
  [
    options({ process: z.literal('constant'), rate: rateSchema }),
    options({ process: z.literal('poisson'), rate: rateSchema }),
    options({ process: z.literal('renewal'), rate: rateSchema, variation: variationSchema }),
    onOffSchema,
    stagedSchema,
    replaySchema,
    options({
      process: z.literal('closed'),
      clients: whole(1, 1_000_000),
      thinkTime: variedDuration.default({ mean: 0 }),
    }),
  ],
  { error: arrivalsError },
)

/** The schema of arrivals. A bare rate is a Poisson process. */
export const arrivalsSchema: z.ZodType<Arrivals, Rate | ArrivalsInput> = z
  .union([rateSchema, process], { error: arrivalsError })
  .transform((value) => (typeof value === 'number' ? ({ process: 'poisson', rate: value } as const) : value))
/** An arrival process, as the factories make it. */
export type ArrivalsInput = z.input<typeof process>
export type Arrivals = z.output<typeof process>
export type ClosedArrivals = Extract<Arrivals, { process: 'closed' }>
export type OpenArrivals = Exclude<Arrivals, { process: 'closed' }>

/**
 * Evenly spaced requests: one every 1/rate, the first at time 0.
 *
 * @param rate requests per second, or a string such as `'800/s'`
 * @example
 * const result = simulate({ arrivals: constant('800/s'), service: '1ms', stop: { requests: 1000 } })
 * result.latencyMs.max // 1: no request ever waits
 */
export const constant = (rate: Rate): ArrivalsInput => ({ process: 'constant', rate })
/**
 * A Poisson process: random, independent requests, as from many independent users. A bare rate means the same.
 *
 * @param rate mean requests per second, or a string such as `'800/s'`
 * @example
 * const result = simulate({ arrivals: poisson('800/s'), service: '1ms', stop: { requests: 10_000 } })
 * result.throughput.offered // about 800
 */
export const poisson = (rate: Rate): ArrivalsInput => ({ process: 'poisson', rate })
/**
 * A renewal process: independent gaps with mean 1/rate and any distribution. `gamma({ cv: 2 })` is bursty.
 *
 * @param o `rate`: mean requests per second; `variation`: the distribution of the gaps, scaled to their mean
 * @example
 * const arrivals = renewal({ rate: '800/s', variation: gamma({ cv: 2 }) })
 * const result = simulate({ arrivals, service: '1ms', stop: { requests: 10_000 } })
 * result.latencyMs.p99 // longer than under Poisson arrivals at the same rate
 */
export const renewal = (o: { rate: Rate; variation: Variation }): ArrivalsInput => ({
  process: 'renewal',
  ...readOptions(o, "renewal({ rate: '800/s', variation: gamma({ cv: 2 }) })"),
})
/**
 * Bursts: a Poisson process that switches on and off. The on and off periods are exponential. The rate over time is
 * rate * on / (on + off). A run starts in the stationary state: on with probability on / (on + off).
 *
 * @param o `rate`: requests per second *while on*; `on` and `off`: the mean durations of the periods
 * @example
 * const arrivals = onOff({ rate: '800/s', on: '100ms', off: '300ms' })
 * const result = simulate({ arrivals, service: '1ms', stop: { requests: 10_000 } })
 * result.throughput.offered // about 200
 */
export const onOff = (o: { rate: Rate; on: Duration; off: Duration }): ArrivalsInput => ({
  process: 'onOff',
  ...readOptions(o, "onOff({ rate: '800/s', on: '100ms', off: '300ms' })"),
})
/**
 * A Poisson process whose rate changes in stages. In each stage the rate moves linearly from that of the previous stage
 * to this stage's `rate`, over its `duration`; a duration of 0 is a jump. After the last stage no request arrives, and
 * a scenario without a `stop` ends.
 *
 * @param o `from`: the rate at which the first stage starts, like `startRate` in k6 (0 ramps up from nothing). Default:
 * the rate of the first stage, which then is constant
 * @example
 * const arrivals = stages([{ rate: '200/s', duration: '2s' }, { rate: '800/s', duration: '3s' }], { from: 0 })
 * const result = simulate({ arrivals, service: '1ms' })
 * result.counts.offered // about 1,700: a tenth of the 5 s is warm-up
 */
export const stages = (
  stages: { rate: Rate; duration: Duration }[],
  o: { from?: Rate | undefined } = {},
): ArrivalsInput => ({
  process: 'stages',
  ...readOptions(o, "stages([{ rate: '800/s', duration: '3s' }], { from: 0 })"),
  stages,
})
/**
 * Replays a trace. Timestamps count from the start of the run and are never shifted. `readTrace` reads them from a file.
 *
 * @param timestamps when each request is due, in ascending order
 * @param o `speed`: how many times faster to replay; at 100 a request of 250 ms is due at 2.5 ms. Default 1
 * @example
 * const result = simulate({ arrivals: replay([0, 5, 5, 20]), service: '10ms', warmup: { requests: 0 } })
 * result.latencyMs.max // 25: the third request, due at 5 ms, is served from 20 to 30 ms
 */
export const replay = (timestamps: Duration[], o: { speed?: number | undefined } = {}): ArrivalsInput => ({
  process: 'replay',
  timestamps,
  ...readOptions(o, 'replay(timestamps, { speed: 100 })'),
})
/**
 * A closed loop: each client sends a request, awaits the response, thinks, and sends again.
 *
 * @param o `clients`: how many, from 1 to 1,000,000; `thinkTime`: a duration, or a mean and its variation. Default 0
 * @example
 * const arrivals = closed({ clients: 8, thinkTime: { mean: '10ms', variation: exponential() } })
 * const result = simulate({ arrivals, service: '1ms', stop: { requests: 10_000 } })
 * result.throughput.completed // at most 800: each client takes 11 ms or more for a round
 */
export const closed = (o: {
  clients: number
  thinkTime?: Duration | { mean: Duration; variation?: Variation }
}): ArrivalsInput => ({ process: 'closed', ...readOptions(o, "closed({ clients: 8, thinkTime: '10ms' })") })

/**
 * Returns the mean rate of a process in requests per second; for stages and traces, over their whole length. Null if
 * the rate is unknown: a closed loop depends on its responses, and a trace may have no length or be stored as a hash.
 */
export function meanRate(arrivals: Arrivals): number | null {
  switch (arrivals.process) {
    case 'constant':
    case 'poisson':
    case 'renewal':
      return arrivals.rate
    case 'onOff':
      return (arrivals.rate * arrivals.on) / (arrivals.on + arrivals.off)
    case 'stages':
      return (1000 * expectedRequests(arrivals)) / lengthMs(arrivals)
    case 'replay': {
      const { timestamps, speed = 1 } = arrivals
      if (!Array.isArray(timestamps)) return null
      const lastMs = timestamps.at(-1) as number
      return lastMs === 0 ? null : (1000 * timestamps.length * speed) / lastMs
    }
    case 'closed':
      return null
  }
}

/** Whether the arrivals, as given or resolved, are finite, so that a run without a `stop` ends with them. */
export const endsByItself = <A extends Rate | ArrivalsInput | Arrivals>(
  arrivals: A,
): arrivals is Extract<A, { process: 'stages' | 'replay' }> =>
  typeof arrivals === 'object' && (arrivals?.process === 'stages' || arrivals?.process === 'replay')

/** Whether the process does not change over time, so that a queue can reach a steady state. */
export const isStationary = ({ process }: Arrivals): boolean => process !== 'stages' && process !== 'replay'

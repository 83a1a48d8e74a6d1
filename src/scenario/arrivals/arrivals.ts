import { z } from 'zod'
import { listed, valuesOf } from '../by-hash.js'
import { type Variation, variationSchema, variedDuration } from '../service/variation.js'
import {
  type Duration,
  duration,
  durationMs,
  LONGEST_NS,
  NS_PER_MS,
  options,
  positiveDuration,
  type Rate,
  rate,
  rateOrNone,
  whole,
} from '../units.js'
import { expectedRequests, lengthMs } from './ramps.js'

const timestampsError = 'must be a list of one or more times, none negative, each no earlier than the one before'
const timestampError = "must be a time of 0 or more, as milliseconds or with its unit ('250us', '5ms', '1.5s', '2m')"
const timestamps = z
  .array(z.union([z.number(), z.string()], { error: timestampError }), { error: timestampsError })
  .min(1, { error: timestampsError })
  // read here and not by a schema for each, which would be ten times slower on a long trace
  .transform((given, context) => {
    const times = new Array<number>(given.length)
    let last = 0
    for (let i = 0; i < given.length; i++) {
      const ms = durationMs(given[i])
      const legal = ms !== null && ms >= 0 && ms * NS_PER_MS < LONGEST_NS
      if (!legal || ms < last) {
        const message = legal ? `must be no earlier than the one before it, at ${last} ms` : timestampError
        context.issues.push({ code: 'custom', message, input: given, path: [i] })
        return z.NEVER
      }
      times[i] = ms
      last = ms
    }
    return times
  })

const speedError = 'must be a number above 0: 1 is as fast as it was, 100 a hundred times faster'
const speed = z.number({ error: speedError }).gt(0, { error: speedError, abort: true })

const stagesError = 'must be a list of one or more stages, each { rate, duration }'
const stagesSchema = z
  .array(options({ rate: rateOrNone, duration }), { error: stagesError })
  .min(1, { error: stagesError, abort: true })

/** Fewer requests an `on` period than this, and it is all but Poisson, and slow to draw. */
const FEWEST_WHILE_ON = 1e-3

const onOffSchema = options({ process: z.literal('onOff'), rate, on: positiveDuration, off: duration }).refine(
  (given) => (given.rate * given.on) / 1000 >= FEWEST_WHILE_ON,
  {
    path: ['on'],
    error:
      'must be long enough for at least one request in a thousand periods; with shorter ones the process is Poisson, of rate * on / (on + off)',
  },
)

const stagedSchema = options({ process: z.literal('stages'), from: rateOrNone.optional(), stages: stagesSchema })
  .refine((given) => given.stages.some(({ duration }) => duration > 0), {
    path: ['stages'],
    error: 'must last longer than 0 in all',
  })
  .refine((given) => expectedRequests(given) > 0 || given.stages.every(({ duration }) => duration === 0), {
    path: ['stages'],
    error: 'must have a rate above 0 somewhere: these never send a request',
  })
  .refine((given) => lengthMs(given) * NS_PER_MS < LONGEST_NS, {
    path: ['stages'],
    error: 'must last less than the 104 days (2^53 ns) that a run may last',
  })

const replaySchema = options({
  process: z.literal('replay'),
  timestamps: listed(timestamps, timestampsError),
  speed: speed.optional(),
}).refine(
  (given) => ((valuesOf<number>(given.timestamps).at(-1) as number) * NS_PER_MS) / (given.speed ?? 1) < LONGEST_NS,
  {
    path: ['speed'],
    error: 'must be fast enough for the last request to be due within the 104 days (2^53 ns) that a run may last',
  },
)

const arrivalsError =
  "must be a rate above 0 ('800/s', or a number a second) or an arrival process: { process: constant | poisson | renewal | onOff | stages | replay | closed, … }"
const process = z.discriminatedUnion(
  'process',
  [
    options({ process: z.literal('constant'), rate }),
    options({ process: z.literal('poisson'), rate }),
    options({ process: z.literal('renewal'), rate, variation: variationSchema }),
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

/** When requests come. A rate alone is a Poisson process of that rate. */
export const arrivalsSchema = z
  .union([rate, process], { error: arrivalsError })
  .transform((value) => (typeof value === 'number' ? ({ process: 'poisson', rate: value } as const) : value))
export type ArrivalsInput = z.input<typeof process>
export type Arrivals = z.output<typeof arrivalsSchema>
export type ClosedArrivals = Extract<Arrivals, { process: 'closed' }>
export type OpenArrivals = Exclude<Arrivals, { process: 'closed' }>

/** One request every 1/rate, the first at time 0. */
export const constant = (rate: Rate): ArrivalsInput => ({ process: 'constant', rate })
/** Requests at random, independent of one another: the classic model of many users. */
export const poisson = (rate: Rate): ArrivalsInput => ({ process: 'poisson', rate })
/** Independent gaps of mean 1/rate and any law: `variation: gamma({ cv: 2 })` is bursty. */
export const renewal = (o: { rate: Rate; variation: Variation }): ArrivalsInput => ({ process: 'renewal', ...o })
/**
 * Bursts: a Poisson process of `rate` while it is on, and nothing while it is off; the periods are exponential, of
 * these mean durations. `rate` is the rate *while on*: over time, rate * on / (on + off) requests come a second. A run
 * begins at a random moment of it: on with probability on / (on + off).
 */
export const onOff = (o: { rate: Rate; on: Duration; off: Duration }): ArrivalsInput => ({ process: 'onOff', ...o })
/**
 * A Poisson process whose rate changes: in each stage it goes in a straight line from where the stage before ended to
 * this one's `rate`, over its `duration`; a duration of 0 is a jump. The first stage starts `from` the rate given
 * beside (as k6's `startRate`; 0 for a ramp from nothing), and where it is left out is at its own rate throughout.
 * After the last stage no request comes, and a scenario without a stop ends there.
 */
export const stages = (
  stages: { rate: Rate; duration: Duration }[],
  o: { from?: Rate | undefined } = {},
): ArrivalsInput => ({ process: 'stages', ...o, stages })
/**
 * The given times, counted from the start of the run and never shifted. At a speed of 100 they come a hundred times
 * faster: a request of 250 ms at 2.5 ms. `readTrace` reads them from a file.
 */
export const replay = (timestamps: Duration[], o: { speed?: number | undefined } = {}): ArrivalsInput => ({
  process: 'replay',
  timestamps,
  ...o,
})
/** Each of `clients` sends a request, awaits its answer, thinks, and sends again. */
export const closed = (o: {
  clients: number
  thinkTime?: Duration | { mean: Duration; variation?: Variation }
}): ArrivalsInput => ({ process: 'closed', ...o })

/**
 * The mean rate of a process over time, in requests a second: of stages and a trace, over their length. Null where it
 * has none of its own: a closed loop sends as fast as it is answered, a trace may last no time at all or be kept by
 * hash.
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

/** Whether a process is the same at all times, so that a queue can come to a steady state under it. */
export const isStationary = ({ process }: Arrivals): boolean => process !== 'stages' && process !== 'replay'

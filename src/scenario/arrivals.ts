import { z } from 'zod'
import { type Duration, duration, options, type Rate, rate, whole } from './units.js'
import { type Variation, variationSchema, variedDuration } from './variation.js'

const timestampsError = 'must be a list of one or more times, none negative, each no earlier than the one before'
const timestamps = z
  .array(duration, { error: timestampsError })
  .min(1, { error: timestampsError })
  .refine((times) => times.every((time, i) => i === 0 || time >= (times[i - 1] as number)), { error: timestampsError })

const arrivalsError =
  "must be a rate above 0 ('800/s', or a number a second) or an arrival process: { process: constant | poisson | renewal | replay | closed, … }"
const process = z.discriminatedUnion(
  'process',
  [
    options({ process: z.literal('constant'), rate }),
    options({ process: z.literal('poisson'), rate }),
    options({ process: z.literal('renewal'), rate, variation: variationSchema }),
    options({ process: z.literal('replay'), timestamps }),
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
/** The given times, counted from the start of the run and never shifted. */
export const replay = (timestamps: Duration[]): ArrivalsInput => ({ process: 'replay', timestamps })
/** Each of `clients` sends a request, awaits its answer, thinks, and sends again. */
export const closed = (o: {
  clients: number
  thinkTime?: Duration | { mean: Duration; variation?: Variation }
}): ArrivalsInput => ({ process: 'closed', ...o })

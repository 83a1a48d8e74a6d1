import { z } from 'zod'
import { type Budget, budgetSchema } from '../../scenario/budget.js'
import { abortSignal, type Duration, duration, options, positiveDuration, whole } from '../../scenario/units.js'
import { throwFaults } from '../../validation/validation-error.js'
import { type OnAgents, onAgentsSchema, type ResolvedOnAgents, threadsOrAgents } from '../agents/options.js'
import { type CalibrateAt, calibrateAtSchema } from '../calibrate.js'
import { type Candidate, candidatesSchema, type ParsedCandidate, tunePriceSchema } from './candidates.js'
import { type ReadWishes, type Wishes, wishesSchema } from './preference.js'
import type { TunedSetting } from './tuned.js'

/** Options of `tune`. */
export interface TuneOptions {
  /** The limits that every setting must keep. */
  budget: Budget
  /**
   * What to choose from, in addition to batching and servers.
   *
   * @default the scenario's own service or handler
   */
  candidates?: Candidate[] | undefined
  /**
   * The price of one server for an hour, in any currency, of candidates without a price of their own.
   *
   * @default no price: cost does not count
   */
  price?: number | undefined
  /**
   * What is nice to have, by weight.
   *
   * @default the best quality, then the lowest cost, then the lowest p99
   */
  wishes?: Wishes | undefined
  /**
   * The fewest servers, such as 2 to survive the failure of one.
   *
   * @default 1
   */
  leastServers?: number | undefined
  /**
   * The most servers of a candidate.
   *
   * @default 16
   */
  mostServers?: number | undefined
  /**
   * The highest cost of all servers for an hour.
   *
   * @default no limit
   */
  mostCost?: number | undefined
  /**
   * The batch sizes to choose from.
   *
   * @default the powers of two up to 256, as far as a service is known
   */
  maxBatchSize?: number[] | undefined
  /**
   * The waits to choose from.
   *
   * @default 0, 1ms, 2ms, 5ms, 10ms and 20ms
   */
  maxWait?: Duration[] | undefined
  /**
   * The load at which handlers are calibrated, as in `calibrate`.
   *
   * @default a utilization of 0.7
   */
  calibrateAt?: CalibrateAt | undefined
  /**
   * How long to search; what was not tried by then is in `unsearched`.
   *
   * @default no limit
   */
  atMost?: Duration | undefined
  /**
   * How many settings are run at a time, on threads.
   *
   * @default as many as cores, if the runs are long
   */
  threads?: number | undefined
  /**
   * Runs settings on the agents of a Redis, in place of threads: each runs as many at a time as it has cores. Handlers are
   * calibrated in this process.
   *
   * @default this process
   * @example { redis: 'redis://10.0.0.5:6379' }
   */
  on?: OnAgents | undefined
  /**
   * Ends the search and its threads; `tune` rejects with the signal's reason.
   *
   * @default none
   */
  signal?: AbortSignal | undefined
  /**
   * Called every few runs. Returning false ends the search, and `tune` gives the best so far, not confirmed.
   *
   * @default none
   */
  onProgress?: ((progress: TuneProgress) => unknown) | undefined
}

/** The progress of `tune`. */
export interface TuneProgress {
  /** settings that were run */
  runs: number
  /** about how much of the search is done, from 0 to 1 */
  fraction: number
  /** which candidate is searched; null without candidates */
  candidate: string | null
  /** the best setting so far; null if none was found that keeps the budget */
  best: TunedSetting | null
}

const schema = options({
  budget: budgetSchema,
  candidates: candidatesSchema.optional(),
  price: tunePriceSchema.optional(),
  wishes: wishesSchema.optional(),
  leastServers: whole(1, 1000).default(1),
  mostServers: whole(1, 1000).default(16),
  mostCost: z.number({ error: 'must be a number above 0' }).gt(0, { error: 'must be a number above 0' }).optional(),
  maxBatchSize: z
    .array(whole(1, 1_000_000), { error: 'must be a list of batch sizes' })
    .min(1, { error: 'must be a list of one or more batch sizes' })
    .optional(),
  maxWait: z
    .array(duration, { error: 'must be a list of durations' })
    .min(1, { error: 'must be a list of one or more durations' })
    .default([0, 1, 2, 5, 10, 20]),
  calibrateAt: calibrateAtSchema.optional(),
  atMost: positiveDuration.optional(),
  threads: whole(1, 256).optional(),
  on: onAgentsSchema.optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<TuneOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})
  .refine(threadsOrAgents.check, threadsOrAgents.params)
  .superRefine(({ leastServers, mostServers, mostCost, price, wishes, candidates = [] }, context) => {
    const refuse = (path: string, message: string) =>
      context.issues.push({ code: 'custom', message, input: { leastServers, mostServers }, path: [path] })
    if (leastServers > mostServers) refuse('leastServers', `must be at most mostServers, ${mostServers}`)
    const priced = price !== undefined || candidates.some((candidate) => candidate.price !== undefined)
    if (mostCost !== undefined && !priced) refuse('mostCost', 'needs a price: one for all candidates, or one for each')
    const rated = candidates.some((candidate) => candidate.quality !== undefined)
    if ((wishes?.quality?.weight ?? 0) > 0 && !rated) {
      context.issues.push({
        code: 'custom',
        message:
          'must be omitted if candidates have no quality; or give each one, such as { name, quality: 0.9, service }',
        input: wishes?.quality?.weight,
        path: ['wishes', 'quality'],
      })
    }
  })

/** The options with their defaults, and durations in milliseconds. */
export interface ResolvedTuneOptions extends Omit<TuneOptions, 'candidates' | 'wishes' | 'maxWait' | 'atMost' | 'on'> {
  candidates?: ParsedCandidate[] | undefined
  wishes?: ReadWishes | undefined
  leastServers: number
  mostServers: number
  maxWait: number[]
  atMost?: number | undefined
  on?: ResolvedOnAgents | undefined
}

/** Fills in the defaults. */
export function parseTuneOptions(given: TuneOptions): ResolvedTuneOptions {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'tune', given)
  return parsed.data
}

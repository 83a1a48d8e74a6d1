import { z } from 'zod'
import { sum } from '../../statistics/descriptive.js'
import { listed } from '../listed.js'
import { type Duration, duration, options, readOptions } from '../units.js'

const cvError = 'must be a coefficient of variation above 0 and at most 100 (standard deviation over mean)'
const cv = z.number({ error: cvError }).gt(0, { error: cvError }).max(100, { error: cvError })
const spreadError = 'must be a number above 0 and at most 1'
const spread = z.number({ error: spreadError }).gt(0, { error: spreadError }).max(1, { error: spreadError })
const sampleError = 'must be a finite number of 0 or more'
const samplesError = 'must be a list of one or more numbers of 0 or more, not all 0'
const sample = z.number({ error: sampleError }).min(0, { error: sampleError })
const samples = z
  .array(sample, { error: samplesError })
  .min(1, { error: samplesError })
  .refine((values) => values.some((value) => value > 0), { error: samplesError })
  .refine((values) => Number.isFinite(sum(values)), { error: 'must have a finite mean' })

const hyperexponentialSchema = options({
  distribution: z.literal('hyperexponential'),
  probabilities: samples,
  means: samples,
})
  .refine((v) => v.probabilities.length === v.means.length, { error: 'must have as many probabilities as means' })
  .refine((v) => Math.abs(sum(v.probabilities) - 1) < 1e-9, { error: 'must have probabilities that add up to 1' })
  .refine((v) => v.means.some((mean, i) => mean * (v.probabilities[i] ?? 0) > 0), {
    error: 'must have at least one mean above 0 with a probability above 0',
  })

/** The schema of a variation: a distribution scaled to mean 1, by which a mean time is multiplied. */
export const variationSchema = z.discriminatedUnion(
  'distribution',
  [
    options({ distribution: z.literal('none') }),
    options({ distribution: z.literal('exponential') }),
    options({ distribution: z.literal('gamma'), cv }),
    options({ distribution: z.literal('lognormal'), cv }),
    options({ distribution: z.literal('uniform'), spread }),
    hyperexponentialSchema,
    options({ distribution: z.literal('empirical'), samples: listed(samples, samplesError) }),
  ],
  {
    error:
      'must be a variation: { distribution: none | exponential | gamma | lognormal | uniform | hyperexponential | empirical, … }',
  },
)
/** A distribution of mean 1, as the factories make it. */
export type Variation = z.input<typeof variationSchema>

/**
 * No variation: every value is the mean.
 *
 * @example
 * const arrivals = renewal({ rate: '100/s', variation: none() }) // as constant('100/s'), but the first is due at 10 ms
 */
export const none = (): Variation => ({ distribution: 'none' })
/**
 * The exponential distribution: memoryless, with coefficient of variation 1.
 *
 * @example
 * const service = affine({ base: '5ms', variation: exponential() })
 * const result = simulate({ arrivals: '100/s', service, stop: { requests: 100_000 } })
 * result.latencyMs.mean // about 10: an M/M/1 queue
 */
export const exponential = (): Variation => ({ distribution: 'exponential' })
/**
 * The gamma distribution.
 *
 * @param o `cv`: the coefficient of variation, above 0 and at most 100; `1 / Math.sqrt(k)` gives an Erlang distribution
 * of k stages
 * @example
 * const service = affine({ base: '5ms', variation: gamma({ cv: 0.5 }) })
 */
export const gamma = (o: { cv: number }): Variation => ({
  distribution: 'gamma',
  cv: readOptions(o, 'gamma({ cv: 0.5 })')?.cv,
})
/**
 * The lognormal distribution.
 *
 * @param o `cv`: the coefficient of variation, above 0 and at most 100
 * @example
 * const service = affine({ base: '5ms', variation: lognormal({ cv: 1.5 }) })
 */
export const lognormal = (o: { cv: number }): Variation => ({
  distribution: 'lognormal',
  cv: readOptions(o, 'lognormal({ cv: 1.5 })')?.cv,
})
/**
 * The uniform distribution between 1 - spread and 1 + spread times the mean.
 *
 * @param o `spread`: above 0 and at most 1
 * @example
 * const service = affine({ base: '5ms', variation: uniform({ spread: 0.2 }) }) // from 4 to 6 ms
 */
export const uniform = (o: { spread: number }): Variation => ({
  distribution: 'uniform',
  spread: readOptions(o, 'uniform({ spread: 0.2 })')?.spread,
})
/**
 * The hyperexponential distribution: one of several exponentials, the i-th with the i-th probability. It is scaled to
 * the mean that it varies, so only the ratios of `means` matter.
 *
 * @param o `probabilities`: they must add up to 1; `means`: one for each probability
 * @example
 * const variation = hyperexponential({ probabilities: [0.9, 0.1], means: [1, 20] })
 * const service = affine({ base: '5ms', variation }) // one batch in ten is 20 times slower on average
 */
export const hyperexponential = (o: { probabilities: number[]; means: number[] }): Variation => {
  const { probabilities, means } =
    readOptions(o, 'hyperexponential({ probabilities: [0.9, 0.1], means: [1, 20] })') ?? {}
  return { distribution: 'hyperexponential', probabilities, means }
}
/**
 * An empirical distribution: each draw is one of the samples, all equally likely. It is scaled to the mean that it
 * varies.
 *
 * @param samples numbers of 0 or more, not all 0, in any unit
 * @example
 * const service = affine({ base: '5ms', variation: empirical([4, 5, 5, 6, 30]) })
 */
export const empirical = (samples: number[]): Variation => ({ distribution: 'empirical', samples })

/** A duration with an optional variation, as input. */
export type VariedInput = Duration | { mean: Duration; variation?: Variation | undefined }

/** The schema of a duration with an optional variation. Its type is declared, or the .d.ts files would repeat it inline. */
export const variedDuration: z.ZodType<VariedDuration, VariedInput> = z
  .union([duration, options({ mean: duration, variation: variationSchema.optional() })], {
    error: "must be a duration of 0 or more ('5ms', or a number of milliseconds) or { mean, variation }",
  })
  .transform((value): VariedDuration => (typeof value === 'number' ? { mean: value } : value))
export interface VariedDuration {
  /** milliseconds */
  mean: number
  variation?: Variation | undefined
}

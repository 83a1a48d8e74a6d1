import { z } from 'zod'
import { exponential as drawExponential } from '../../random/exponential.js'
import { gamma as gammaSource } from '../../random/gamma.js'
import { normal } from '../../random/normal.js'
import type { Random } from '../../random/random.js'
import { mean, sum } from '../../statistics/descriptive.js'
import { listed, valuesOf } from '../by-hash.js'
import { type Duration, duration, options } from '../units.js'

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
  .refine((values) => Number.isFinite(sum(values)), { error: 'must have a mean that a number can hold' })

const hyperexponentialSchema = options({
  distribution: z.literal('hyperexponential'),
  probabilities: samples,
  means: samples,
})
  .refine((v) => v.probabilities.length === v.means.length, { error: 'must have as many probabilities as means' })
  .refine((v) => Math.abs(sum(v.probabilities) - 1) < 1e-9, { error: 'must have probabilities that add up to 1' })
  .refine((v) => v.means.some((mean, i) => mean * (v.probabilities[i] ?? 0) > 0), {
    error: 'must have a mean above 0 that comes with a probability above 0',
  })

/** How a time varies about its mean: a law scaled to mean 1. */
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
export type Variation = z.input<typeof variationSchema>

/** The same time always. */
export const none = (): Variation => ({ distribution: 'none' })
/** Exponential: no memory, coefficient of variation 1. */
export const exponential = (): Variation => ({ distribution: 'exponential' })
/** Gamma with this coefficient of variation; `1 / Math.sqrt(k)` makes an Erlang law of k stages. */
export const gamma = (o: { cv: number }): Variation => ({ distribution: 'gamma', cv: o?.cv })
/** Lognormal with this coefficient of variation. */
export const lognormal = (o: { cv: number }): Variation => ({ distribution: 'lognormal', cv: o?.cv })
/** Uniform between 1 - spread and 1 + spread times the mean. */
export const uniform = (o: { spread: number }): Variation => ({ distribution: 'uniform', spread: o?.spread })
/** One of several exponentials: the i-th with the i-th probability. The means are relative to one another. */
export const hyperexponential = (o: { probabilities: number[]; means: number[] }): Variation => ({
  distribution: 'hyperexponential',
  probabilities: o?.probabilities,
  means: o?.means,
})
/** Drawn from these values with equal chance, scaled so that their mean is 1. */
export const empirical = (samples: number[]): Variation => ({ distribution: 'empirical', samples })

/** A duration that may vary about its mean, as it is given. */
export type VariedInput = Duration | { mean: Duration; variation?: Variation | undefined }

/** A duration that may vary about its mean. Its type is by name, or declarations would spell it out a dozen times. */
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

/** A source of the variation's values: each call draws one, of mean 1. */
export function sampler(variation: Variation | undefined, random: Random): () => number {
  if (variation === undefined) return () => 1
  switch (variation.distribution) {
    case 'none':
      return () => 1
    case 'exponential':
      return () => drawExponential(random)
    case 'gamma':
      return gammaSource(random, 1 / variation.cv ** 2)
    case 'lognormal': {
      const variance = Math.log(1 + variation.cv ** 2)
      const sigma = Math.sqrt(variance)
      const standard = normal(random)
      return () => Math.exp(sigma * standard() - variance / 2)
    }
    case 'uniform': {
      const { spread } = variation
      return () => 1 + spread * (2 * random.uniform() - 1)
    }
    case 'hyperexponential': {
      const { probabilities, means } = variation
      const mean = means.reduce((sum, each, i) => sum + each * (probabilities[i] as number), 0)
      return () => {
        let left = random.uniform()
        let i = 0
        while (i < means.length - 1 && left >= (probabilities[i] as number)) left -= probabilities[i++] as number
        return ((means[i] as number) / mean) * drawExponential(random)
      }
    }
    case 'empirical': {
      const samples = valuesOf(variation.samples)
      const meanOfSamples = mean(samples)
      const scaled = Float64Array.from(samples, (each) => each / meanOfSamples)
      return () => scaled[Math.floor(random.uniform() * scaled.length)] as number
    }
  }
}

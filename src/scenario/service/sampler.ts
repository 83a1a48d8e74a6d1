import { drawExponential } from '../../random/exponential.js'
import { createGammaSource } from '../../random/gamma.js'
import { normal } from '../../random/normal.js'
import type { Random } from '../../random/random.js'
import { mean } from '../../statistics/descriptive.js'
import { valuesOf } from '../by-hash.js'
import type { Variation } from './variation.js'

/** Creates a source of a variation's values, which have mean 1. */
export function sampler(variation: Variation | undefined, random: Random): () => number {
  if (variation === undefined) return () => 1
  switch (variation.distribution) {
    case 'none':
      return () => 1
    case 'exponential':
      return () => drawExponential(random)
    case 'gamma':
      return createGammaSource(random, 1 / variation.cv ** 2)
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

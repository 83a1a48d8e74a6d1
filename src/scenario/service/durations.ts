import { stream } from '../../random/stream.js'
import { nearest } from '../nanoseconds.js'
import { sampler } from './sampler.js'
import type { VariedDuration } from './variation.js'

/** Draws a duration in whole nanoseconds. */
export type DrawNs = () => number

/** Creates a source of random durations, with a random stream of its own for this purpose. */
export function durations(varied: VariedDuration, seed: number, purpose: string, replication: number): DrawNs {
  const meanNs = varied.mean * 1e6
  const draw = sampler(varied.variation, stream(seed, purpose, replication))
  return () => nearest(meanNs * draw())
}

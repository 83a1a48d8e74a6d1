import { stream } from '../../random/stream.js'
import { nearest } from '../units.js'
import { sampler, type VariedDuration } from './variation.js'

/** A source of whole nanoseconds. */
export type DrawNs = () => number

/** A source of durations that vary about their mean, on a stream of random numbers that is this purpose's own. */
export function durations(varied: VariedDuration, seed: number, purpose: string, replication: number): DrawNs {
  const meanNs = varied.mean * 1e6
  const draw = sampler(varied.variation, stream(seed, purpose, replication))
  return () => nearest(meanNs * draw())
}

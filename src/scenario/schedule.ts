import { exponential } from '../random/exponential.js'
import { stream } from '../random/stream.js'
import type { OpenArrivals } from './arrivals.js'
import { NS_PER_SECOND, nanoseconds } from './units.js'
import { sampler } from './variation.js'

/** The due times of an open arrival process, one a call, in whole nanoseconds from 0; Infinity once it has ended. */
export type Schedule = () => number

/**
 * The requests that a scenario's arrivals make at this seed. Simulating and measuring both take theirs from
 * here, so that they face the very same requests.
 */
export function schedule(arrivals: OpenArrivals, seed: number, replication = 0): Schedule {
  switch (arrivals.process) {
    case 'constant': {
      const gap = NS_PER_SECOND / arrivals.rate
      let number = 0
      // multiplied, not added up, so that the rate does not drift
      return () => Math.round(number++ * gap)
    }
    case 'poisson': {
      const gap = NS_PER_SECOND / arrivals.rate
      const random = stream(seed, 'arrivals', replication)
      let elapsed = 0
      return () => {
        elapsed += gap * exponential(random)
        return Math.round(elapsed)
      }
    }
    case 'renewal': {
      const gap = NS_PER_SECOND / arrivals.rate
      const draw = sampler(arrivals.variation, stream(seed, 'arrivals', replication))
      let elapsed = 0
      return () => {
        elapsed += gap * draw()
        return Math.round(elapsed)
      }
    }
    case 'replay': {
      const times = Float64Array.from(arrivals.timestamps, nanoseconds)
      let number = 0
      return () => (number < times.length ? (times[number++] as number) : Number.POSITIVE_INFINITY)
    }
  }
}

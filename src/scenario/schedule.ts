import { exponential } from '../random/exponential.js'
import { stream } from '../random/stream.js'
import type { OpenArrivals } from './arrivals.js'
import { NS_PER_SECOND, nanoseconds, nearest } from './units.js'
import { sampler } from './variation.js'

/** Fills a block with the next due times, in whole nanoseconds from 0; Infinity once the process has ended. */
export type DueTimes = (block: Float64Array) => void

/**
 * The requests that a scenario's arrivals make at this seed. Simulating and measuring both take theirs from
 * here, so that they face the very same requests. They are made a block at a time, for the engines' speed.
 */
export function dueTimes(arrivals: OpenArrivals, seed: number, replication = 0): DueTimes {
  switch (arrivals.process) {
    case 'constant': {
      const gap = NS_PER_SECOND / arrivals.rate
      let number = 0
      // multiplied, not added up, so that the rate does not drift
      return (block) => {
        for (let i = 0; i < block.length; i++) block[i] = nearest((number + i) * gap)
        number += block.length
      }
    }
    case 'poisson': {
      const gap = NS_PER_SECOND / arrivals.rate
      const random = stream(seed, 'arrivals', replication)
      let elapsed = 0
      return (block) => {
        let now = elapsed
        for (let i = 0; i < block.length; i++) {
          now += gap * exponential(random)
          block[i] = nearest(now)
        }
        elapsed = now
      }
    }
    case 'renewal': {
      const gap = NS_PER_SECOND / arrivals.rate
      const draw = sampler(arrivals.variation, stream(seed, 'arrivals', replication))
      let elapsed = 0
      return (block) => {
        for (let i = 0; i < block.length; i++) {
          elapsed += gap * draw()
          block[i] = nearest(elapsed)
        }
      }
    }
    case 'replay': {
      const times = Float64Array.from(arrivals.timestamps, nanoseconds)
      let number = 0
      return (block) => {
        for (let i = 0; i < block.length; i++, number++) block[i] = times[number] ?? Number.POSITIVE_INFINITY
      }
    }
  }
}

/** The due times of an open arrival process, one a call. */
export type Schedule = () => number

export function schedule(arrivals: OpenArrivals, seed: number, replication = 0): Schedule {
  const block = new Float64Array(256)
  const fill = dueTimes(arrivals, seed, replication)
  let next = block.length
  return () => {
    if (next === block.length) {
      fill(block)
      next = 0
    }
    return block[next++] as number
  }
}

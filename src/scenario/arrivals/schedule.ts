import { exponential } from '../../random/exponential.js'
import { stream } from '../../random/stream.js'
import { valuesOf } from '../by-hash.js'
import { sampler } from '../service/variation.js'
import { NS_PER_SECOND, nanoseconds, nearest } from '../units.js'
import type { OpenArrivals } from './arrivals.js'
import { rampsOf, type Staged } from './ramps.js'

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
    case 'onOff':
      return onOffTimes(arrivals, seed, replication)
    case 'stages':
      return stagedTimes(arrivals, seed, replication)
    case 'replay': {
      const { speed = 1 } = arrivals
      const times = Float64Array.from(valuesOf<number>(arrivals.timestamps), (ms) => nearest(nanoseconds(ms) / speed))
      let number = 0
      return (block) => {
        for (let i = 0; i < block.length; i++, number++) block[i] = times[number] ?? Number.POSITIVE_INFINITY
      }
    }
  }
}

/** A Poisson process on a clock that stands still while the process is off. */
function onOffTimes(
  { rate, on, off }: Extract<OpenArrivals, { process: 'onOff' }>,
  seed: number,
  replication: number,
): DueTimes {
  const gap = NS_PER_SECOND / rate
  const onNs = nanoseconds(on)
  const offNs = nanoseconds(off)
  const random = stream(seed, 'arrivals', replication)
  // apart from the gaps, so that another rate meets the very same bursts
  const periods = stream(seed, 'arrivals on and off', replication)
  let onSoFar = 0
  let offSoFar = periods.uniform() * (onNs + offNs) < onNs ? 0 : offNs * exponential(periods)
  let onUntil = onNs * exponential(periods)
  return (block) => {
    for (let i = 0; i < block.length; i++) {
      onSoFar += gap * exponential(random)
      while (onSoFar >= onUntil) {
        offSoFar += offNs * exponential(periods)
        onUntil += onNs * exponential(periods)
      }
      block[i] = nearest(onSoFar + offSoFar)
    }
  }
}

/**
 * A Poisson process of varying rate: one of rate 1 whose time is the number of requests expected so far. Where the rate
 * goes in a straight line, that number is a square in time, and is solved for it.
 */
function stagedTimes(arrivals: Staged, seed: number, replication: number): DueTimes {
  const ramps = rampsOf(arrivals).map(({ from, to, durationMs }) => ({
    // requests a nanosecond
    from: from / NS_PER_SECOND,
    slope: (to - from) / NS_PER_SECOND / nanoseconds(durationMs),
    lengthNs: nanoseconds(durationMs),
    expected: ((from + to) / 2 / NS_PER_SECOND) * nanoseconds(durationMs),
  }))
  const random = stream(seed, 'arrivals', replication)
  let current = 0
  let startNs = 0
  /** requests expected since the ramp began */
  let expected = 0
  return (block) => {
    for (let i = 0; i < block.length; i++) {
      expected += exponential(random)
      let ramp = ramps[current]
      while (ramp !== undefined && expected >= ramp.expected) {
        expected -= ramp.expected
        startNs += ramp.lengthNs
        ramp = ramps[++current]
      }
      block[i] = ramp === undefined ? Number.POSITIVE_INFINITY : nearest(startNs + timeOf(expected, ramp))
    }
  }
}

/**
 * When a ramp has sent so many requests on average: from * t + slope * t^2 / 2 solved, in the form that loses no
 * digits.
 */
function timeOf(expected: number, { from, slope }: { from: number; slope: number }): number {
  if (expected === 0) return 0
  return (2 * expected) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * expected)))
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

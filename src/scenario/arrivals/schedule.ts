import { drawExponential } from '../../random/exponential.js'
import { stream } from '../../random/stream.js'
import { valuesOf } from '../by-hash.js'
import { NS_PER_SECOND, nanoseconds, nearest } from '../nanoseconds.js'
import { sampler } from '../service/sampler.js'
import type { OpenArrivals } from './arrivals.js'
import { rampsOf, type Staged } from './ramps.js'

/** Fills a block with the next due times, in whole nanoseconds from the start; Infinity after the process has ended. */
export type DueTimes = (block: Float64Array) => void

/**
 * Generates the due times of an arrival process from a seed, a block at a time for speed. `simulate` and `measure` both
 * use it, so that the same seed gives both the same requests.
 */
export function dueTimes(arrivals: OpenArrivals, seed: number, replication = 0): DueTimes {
  switch (arrivals.process) {
    case 'constant': {
      const gap = NS_PER_SECOND / arrivals.rate
      let number = 0
      // multiplied and not summed, so that rounding does not make the rate drift
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
          now += gap * drawExponential(random)
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
      return scheduleStages(arrivals, seed, replication)
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

/** A Poisson process on a clock that stops while the process is off. */
function onOffTimes(
  { rate, on, off }: Extract<OpenArrivals, { process: 'onOff' }>,
  seed: number,
  replication: number,
): DueTimes {
  const gap = NS_PER_SECOND / rate
  const onNs = nanoseconds(on)
  const offNs = nanoseconds(off)
  const random = stream(seed, 'arrivals', replication)
  // a stream apart from the gaps, so that the bursts stay the same when the rate changes
  const periods = stream(seed, 'arrivals on and off', replication)
  let onSoFar = 0
  let offSoFar = periods.uniform() * (onNs + offNs) < onNs ? 0 : offNs * drawExponential(periods)
  let onUntil = onNs * drawExponential(periods)
  return (block) => {
    for (let i = 0; i < block.length; i++) {
      onSoFar += gap * drawExponential(random)
      while (onSoFar >= onUntil) {
        offSoFar += offNs * drawExponential(periods)
        onUntil += onNs * drawExponential(periods)
      }
      block[i] = nearest(onSoFar + offSoFar)
    }
  }
}

/**
 * A Poisson process with a varying rate, by time change: a process of rate 1 runs on the expected number of requests so
 * far, which is mapped back to time. On a linear ramp that number is quadratic in time.
 */
function scheduleStages(arrivals: Staged, seed: number, replication: number): DueTimes {
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
  /** expected number of requests since the start of the ramp */
  let expected = 0
  return (block) => {
    for (let i = 0; i < block.length; i++) {
      expected += drawExponential(random)
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
 * Returns when the expected number of requests on a ramp reaches a value: solves from * t + slope * t^2 / 2 = expected,
 * in the form without cancellation.
 */
function timeOf(expected: number, { from, slope }: { from: number; slope: number }): number {
  if (expected === 0) return 0
  return (2 * expected) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * expected)))
}

/** Returns the next due time at each call, in nanoseconds. */
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

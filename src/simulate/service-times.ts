import { exponential } from '../random/exponential.js'
import type { Random } from '../random/random.js'
import { stream } from '../random/stream.js'
import { type DrawNs, durations } from '../scenario/service/durations.js'
import {
  CAUSES,
  type Cause,
  isRecorded,
  largestKnownBatch,
  meanServiceNs,
  type Service,
  servicePoints,
} from '../scenario/service/service.js'
import { sampler } from '../scenario/service/variation.js'
import { nanoseconds, nearest } from '../scenario/units.js'
import { recordedDispatches, recordedFactors } from './recorded-times.js'

const BLOCK = 1024
/** The largest batch size whose mean is precomputed. */
const TABLED = 4096

/** The service times of a simulation: a mean by batch size, times a variation drawn once per batch. */
export class ServiceTimes {
  readonly #means: Float64Array
  readonly #meanOf: (size: number) => number
  /** the next values of the variation, drawn a block at a time for speed */
  readonly #factors = new Float64Array(BLOCK)
  #next = BLOCK
  readonly #fill: (factors: Float64Array) => void
  /** the variation if it depends on the batch; null if all batches share one */
  readonly #variations: ((size: number, startNs: number) => number) | null
  readonly #stallNs: DrawNs | null

  /** @param maxBatchSize of the scenario; null if batches may have any size */
  constructor(service: Service, maxBatchSize: number | null, seed: number, replication: number) {
    const random = stream(seed, 'service', replication)
    this.#meanOf = meanServiceNs(service)
    const tabled = Math.min(TABLED, maxBatchSize ?? TABLED, largestKnownBatch(service))
    this.#means = new Float64Array(tabled + 1)
    for (let size = 1; size <= tabled; size++) this.#means[size] = this.#meanOf(size)

    this.#variations = variationsOf(service, random)
    const variation = service.model === 'affine' ? service.variation : undefined
    const draw = sampler(variation, random)
    this.#fill =
      variation?.distribution === 'exponential'
        ? (factors) => {
            for (let i = 0; i < factors.length; i++) factors[i] = exponential(random)
          }
        : (factors) => {
            for (let i = 0; i < factors.length; i++) factors[i] = draw()
          }
    this.#stallNs = stallsOf(service, seed, replication)
  }

  /** The service time of the next batch, in whole nanoseconds. */
  next(size: number, startNs: number): number {
    const mean = size < this.#means.length ? (this.#means[size] as number) : this.#meanOf(size)
    const stall = this.#stallNs === null ? 0 : this.#stallNs()
    if (this.#variations !== null) return nearest(mean * this.#variations(size, startNs)) + stall
    if (this.#next === BLOCK) {
      this.#fill(this.#factors)
      this.#next = 0
    }
    return nearest(mean * (this.#factors[this.#next++] as number)) + stall
  }
}

function variationsOf(service: Service, random: Random): ((size: number, startNs: number) => number) | null {
  switch (service.model) {
    case 'affine':
      return null
    case 'byBatchSize':
      return variationsBySize(service, random)
    case 'recorded':
      return recordedFactors(service)
  }
}

/** The variation of the point with the nearest size; of two equally near, the smaller. */
function variationsBySize(
  service: Extract<Service, { model: 'byBatchSize' }>,
  random: Random,
): ((size: number) => number) | null {
  const points = servicePoints(service)
  if (points.every((point) => point.variation === undefined)) return null
  const draws = points.map((point) => sampler(point.variation, random))
  const nearest = new Map<number, DrawNs>()
  return (size) => {
    let draw = nearest.get(size)
    if (draw === undefined) {
      const distances = points.map((point) => Math.abs(point.size - size))
      draw = draws[distances.indexOf(Math.min(...distances))] as DrawNs
      nearest.set(size, draw)
    }
    return draw()
  }
}

function stallsOf({ stalls }: Service, seed: number, replication: number): DrawNs | null {
  if (stalls === undefined) return null
  const random = stream(seed, 'stalls', replication)
  const stallNs = nanoseconds(stalls.time)
  return () => (random.uniform() < stalls.probability ? stallNs : 0)
}

/** The dispatch time of a batch that leaves at a time, in whole nanoseconds. */
export type DispatchNs = (leaveNs: number) => number

/** The dispatch times of a service by cause; null if it has no overhead. */
export function dispatchTimes(
  { overhead }: Service,
  seed: number,
  replication: number,
): Record<Cause, DispatchNs> | null {
  if (overhead === undefined) return null
  const draws = CAUSES.map((cause): [Cause, DispatchNs] => {
    const dispatch = overhead[cause] ?? { mean: 0 }
    if (isRecorded(dispatch)) return [cause, recordedDispatches(dispatch, `service.overhead.${cause}.times`)]
    return [cause, durations(dispatch, seed, `dispatch ${cause}`, replication)]
  })
  return Object.fromEntries(draws) as Record<Cause, DispatchNs>
}

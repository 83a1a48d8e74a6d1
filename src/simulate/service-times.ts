import { drawExponential } from '../random/exponential.js'
import type { Random } from '../random/random.js'
import { stream } from '../random/stream.js'
import type { Classes } from '../scenario/classes.js'
import { nanoseconds, nearest } from '../scenario/nanoseconds.js'
import { type DrawNs, durations } from '../scenario/service/durations.js'
import { sampler } from '../scenario/service/sampler.js'
import {
  CAUSES,
  type Cause,
  isRecorded,
  largestKnownBatch,
  meanServiceNs,
  type Service,
  servicePoints,
} from '../scenario/service/service.js'
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

  /**
   * @param maxBatchSize of the scenario; null if batches may have any size
   * @param ofClass the name of the class that it is the service of; '' if it is that of the scenario
   */
  constructor(service: Service, maxBatchSize: number | null, seed: number, replication: number, ofClass = '') {
    const random = stream(seed, `service${ofClass}`, replication)
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
            for (let i = 0; i < factors.length; i++) factors[i] = drawExponential(random)
          }
        : (factors) => {
            for (let i = 0; i < factors.length; i++) factors[i] = draw()
          }
    this.#stallNs = stallsOf(service, seed, replication, ofClass)
  }

  /** The service time of the next batch, in whole nanoseconds. */
  next(size: number, startNs: number): number {
    const stall = this.#stallNs === null ? 0 : this.#stallNs()
    return nearest(this.unstalled(size, startNs)) + stall
  }

  /** The same without a stall, unrounded. */
  unstalled(size: number, startNs: number): number {
    const mean = size < this.#means.length ? (this.#means[size] as number) : this.#meanOf(size)
    if (this.#variations !== null) return mean * this.#variations(size, startNs)
    if (this.#next === BLOCK) {
      this.#fill(this.#factors)
      this.#next = 0
    }
    return mean * (this.#factors[this.#next++] as number)
  }

  /** How long the next batch stalls. */
  stall(): number {
    return this.#stallNs === null ? 0 : this.#stallNs()
  }
}

/**
 * The service times of batches whose requests have services by class. A batch of n requests takes the mean, over its
 * requests, of what a batch of n takes in the class of each; each service draws once for a batch. Stalls are added.
 */
export class ClassServiceTimes {
  /** the distinct services: the scenario's own first, then those of classes that have their own */
  readonly #services: ServiceTimes[]
  /** by class, the place of its service */
  readonly #serviceOf: Uint8Array
  /** how many requests of the batch each service is for */
  readonly #requests: Float64Array

  constructor(common: ServiceTimes, classes: Classes, maxBatchSize: number, seed: number, replication: number) {
    this.#services = [common]
    this.#serviceOf = Uint8Array.from(Object.entries(classes), ([name, { service }]) => {
      if (service === undefined) return 0
      return this.#services.push(new ServiceTimes(service, maxBatchSize, seed, replication, ` of ${name}`)) - 1
    })
    this.#requests = new Float64Array(this.#services.length)
  }

  /** Adds a request of a class to the next batch. */
  add(ofClass: number): void {
    const service = this.#serviceOf[ofClass] as number
    this.#requests[service] = (this.#requests[service] as number) + 1
  }

  /** The service time of the next batch, in whole nanoseconds. */
  next(size: number, startNs: number): number {
    let sum = 0
    let stalls = 0
    for (let i = 0; i < this.#services.length; i++) {
      const requests = this.#requests[i] as number
      if (requests === 0) continue
      const service = this.#services[i] as ServiceTimes
      sum += requests * service.unstalled(size, startNs)
      stalls += service.stall()
      this.#requests[i] = 0
    }
    return nearest(sum / size) + stalls
  }
}

/** The service times by class; null if all classes have the service of the scenario. */
export function classServiceTimes(
  common: ServiceTimes,
  classes: Classes | undefined,
  maxBatchSize: number,
  seed: number,
  replication: number,
): ClassServiceTimes | null {
  if (classes === undefined || Object.values(classes).every(({ service }) => service === undefined)) return null
  return new ClassServiceTimes(common, classes, maxBatchSize, seed, replication)
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

function stallsOf({ stalls }: Service, seed: number, replication: number, of: string): DrawNs | null {
  if (stalls === undefined) return null
  const random = stream(seed, `stalls${of}`, replication)
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

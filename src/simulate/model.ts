import { exponential } from '../random/exponential.js'
import { stream } from '../random/stream.js'
import { meanServiceNs, type Service, servicePoints } from '../scenario/service.js'
import { nanoseconds } from '../scenario/units.js'
import { sampler, type VariedDuration } from '../scenario/variation.js'

/** A source of whole nanoseconds. */
export type DrawNs = () => number

/** How the servers of a simulation behave. */
export interface Model {
  /** how long the next batch takes */
  serviceNs(batchSize: number): number
  /** how long until its server starts on it, by what let it leave; null where that is no time at all */
  dispatchNs: Record<Dispatch, DrawNs> | null
}

/** What lets a batch leave the queue: see `overhead` of a service. */
export type Dispatch = 'wake' | 'filled' | 'deadline' | 'turnaround'

/** Means by batch size are looked up, up to this size. */
const TABLED = 4096

export function modelOf(service: Service, seed: number, replication = 0): Model {
  const random = stream(seed, 'service', replication)
  const mean = meanServiceNs(service)
  const largest =
    service.model === 'affine' ? TABLED : Math.min(TABLED, Math.max(...Object.keys(service.points).map(Number)))
  const means = Float64Array.from({ length: largest + 1 }, (_, size) => (size === 0 ? 0 : mean(size)))
  const meanOf = (size: number) => (size < means.length ? (means[size] as number) : mean(size))

  let serviceNs: Model['serviceNs']
  if (service.model === 'byBatchSize') {
    const points = servicePoints(service)
    const samplers = points.map((point) => sampler(point.variation, random))
    const nearest = Int32Array.from(means, (_, size) => {
      const distance = points.map((point) => Math.abs(point.size - size))
      return distance.indexOf(Math.min(...distance))
    })
    const last = points.length - 1
    serviceNs = (size) => Math.round(meanOf(size) * (samplers[nearest[size] ?? last] as DrawNs)())
  } else if (service.variation === undefined || service.variation.distribution === 'none') {
    serviceNs = (size) => Math.round(meanOf(size))
  } else if (service.variation.distribution === 'exponential') {
    serviceNs = (size) => Math.round(meanOf(size) * exponential(random))
  } else {
    const draw = sampler(service.variation, random)
    serviceNs = (size) => Math.round(meanOf(size) * draw())
  }

  const { stalls, overhead } = service
  if (stalls !== undefined) {
    const unstalled = serviceNs
    const chance = stream(seed, 'stalls', replication)
    const stallNs = nanoseconds(stalls.time)
    serviceNs = (size) => unstalled(size) + (chance.uniform() < stalls.probability ? stallNs : 0)
  }
  if (overhead === undefined) return { serviceNs, dispatchNs: null }

  const draws = (cause: Dispatch): DrawNs =>
    durations(overhead[cause] ?? { mean: 0 }, seed, `dispatch ${cause}`, replication)
  return {
    serviceNs,
    dispatchNs: {
      wake: draws('wake'),
      filled: draws('filled'),
      deadline: draws('deadline'),
      turnaround: draws('turnaround'),
    },
  }
}

/** A source of durations that vary about their mean. */
export function durations(varied: VariedDuration, seed: number, purpose: string, replication = 0): DrawNs {
  const mean = varied.mean * 1e6
  const draw = sampler(varied.variation, stream(seed, purpose, replication))
  return () => Math.round(mean * draw())
}

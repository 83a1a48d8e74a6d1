import { setImmediate as breath } from 'node:timers/promises'
import type { Result } from '../result/result.js'
import { ScenarioError, show } from '../scenario/error.js'
import { normalise, type Scenario } from '../scenario/scenario.js'
import { horizonOf, type NormalStop } from '../scenario/stop.js'
import type { Duration, Rate } from '../scenario/units.js'
import { simulate } from '../simulate/simulate.js'

/** The fields that can be swept. */
export const SWEPT = ['rate', 'servers', 'maxWait', 'maxBatchSize'] as const
type Field = (typeof SWEPT)[number]

/** One value of each field swept. */
export interface SweepPoint {
  rate?: Rate
  servers?: number
  maxWait?: Duration | null
  maxBatchSize?: number | null
}

/** The values that each field takes; where there are several fields, every combination of them. */
export type SweepFields = { [F in Field]?: Required<SweepPoint>[F][] | undefined }

export interface SweepProgress {
  /** points */
  done: number
  total: number
  /** how much is done, from 0 to 1 */
  share: number
}

export interface SweepOptions {
  /** Default: `simulate`. */
  engine?: 'simulate' | 'measure' | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: SweepProgress) => void) | undefined
}

export interface Swept {
  point: SweepPoint
  result: Result
}

/**
 * Runs a scenario at each value of some of its fields: `sweep(scenario, { maxBatchSize: [1, 2, 4, 8] })`. They all
 * have its seed, and so face the very same requests, which makes differences between them sharp.
 *
 * @throws ScenarioError where any of the points cannot be run, before the first is
 */
export async function sweep(scenario: Scenario, fields: SweepFields, options: SweepOptions = {}): Promise<Swept[]> {
  const { engine = 'simulate', signal, onProgress } = options
  const points = pointsOf(fields).map((point) => {
    const at = scenarioAt(scenario, point)
    return { point, at, stop: normalise(at, engine).stop }
  })
  // what measures is loaded by those who measure
  const measure = engine === 'measure' ? (await import('../measure/measure.js')).measure : null

  const swept: Swept[] = []
  for (const { point, at, stop } of points) {
    signal?.throwIfAborted()
    const tell = (share: number) =>
      onProgress?.({ done: swept.length, total: points.length, share: (swept.length + share) / points.length })
    tell(0)
    const result =
      measure === null
        ? simulate(at, { onProgress: (progress) => tell(shareOf(stop, progress)) })
        : await measure(at, {
            signal,
            onProgress: ({ timeMs, sent }) => tell(shareOf(stop, { requests: sent, timeMs })),
          })
    swept.push({ point, result })
    await breath()
  }
  return swept
}

/** How much of a run is done. */
export function shareOf(stop: NormalStop, at: { requests: number; timeMs: number }): number {
  const horizon = horizonOf(stop)
  return Math.min(1, 'requests' in horizon ? at.requests / horizon.requests : at.timeMs / horizon.duration)
}

/** Every combination, the last field changing fastest. */
function pointsOf(fields: SweepFields): SweepPoint[] {
  for (const [field, values] of Object.entries(fields)) {
    if (!(SWEPT as readonly string[]).includes(field)) {
      throw new ScenarioError(`sweep.${field}`, `cannot be swept; what can: ${SWEPT.join(', ')}`)
    }
    if (values !== undefined && (!Array.isArray(values) || values.length === 0)) {
      throw new ScenarioError(`sweep.${field}`, `must be a list of one or more values, got ${show(values)}`)
    }
  }
  return SWEPT.reduce<SweepPoint[]>(
    (points, field) => {
      const values = fields[field]
      return values === undefined
        ? points
        : points.flatMap((point) => values.map((value) => ({ ...point, [field]: value })))
    },
    [{}],
  )
}

function scenarioAt(scenario: Scenario, { rate, servers, ...batching }: SweepPoint): Scenario {
  return {
    ...scenario,
    ...(rate === undefined ? {} : { arrivals: arrivalsAt(scenario.arrivals, rate) }),
    ...(servers === undefined ? {} : { servers }),
    batching: { ...scenario.batching, ...batching },
  }
}

/** The same process at another rate. */
function arrivalsAt(arrivals: Scenario['arrivals'], rate: Rate): Scenario['arrivals'] {
  if (typeof arrivals !== 'object' || arrivals === null) return rate
  if ('rate' in arrivals) return { ...arrivals, rate }
  throw new ScenarioError('sweep.rate', `cannot be swept: ${arrivals.process} arrivals have no rate of their own`)
}

import { fieldOf, withField } from '../scenario/fields.js'
import type { Scenario, ScenarioParts } from '../scenario/scenario.js'
import type { Duration, Rate } from '../scenario/units.js'
import { show, ValidationError } from '../validation/validation-error.js'

/** The fields that are swept most, and what each takes. */
interface SweptOften extends Required<ScenarioParts> {
  rate: Rate
  'arrivals.rate': Rate
  'arrivals.clients': number
  maxBatchSize: number | null
  'batching.maxBatchSize': number | null
  maxWait: Duration | null
  'batching.maxWait': Duration | null
  'service.base': Duration
  'service.perItem': Duration
  'queue.capacity': number | null
  'queue.timeout': Duration | null
}

/**
 * The values that each field takes; where there are several fields, every combination of them. A field is written as in
 * `'batching.maxWait'`; `rate`, `maxBatchSize` and `maxWait` do without what they are in.
 */
export type SweepFields = { [F in keyof SweptOften]?: SweptOften[F][] | undefined } & {
  [field: string]: readonly unknown[] | undefined
}

/** One value of each field swept, by the names that the sweep was given. */
export type SweepPoint = { [F in keyof SweptOften]?: SweptOften[F] } & { [field: string]: unknown }

/**
 * Every combination, the last field changing fastest.
 *
 * @throws ValidationError for a field that no scenario has, or that is there twice, and for what is no list
 */
export function pointsOf(fields: SweepFields): SweepPoint[] {
  const given = Object.entries(fields).filter(([, values]) => values !== undefined)
  const paths = new Map<string, string>()
  for (const [field, values] of given) {
    const path = fieldOf(field, `sweep.${field}`)
    const twice = paths.get(path)
    if (twice !== undefined) throw new ValidationError(`sweep.${field}`, `is swept already, as ${twice}`)
    paths.set(path, field)
    if (!Array.isArray(values) || values.length === 0) {
      throw new ValidationError(`sweep.${field}`, `must be a list of one or more values, got ${show(values)}`)
    }
  }
  return given.reduce<SweepPoint[]>(
    (points, [field, values]) =>
      points.flatMap((point) => (values as unknown[]).map((value) => ({ ...point, [field]: value }))),
    [{}],
  )
}

/** The scenario at a point: what holds other fields first, so that these change what it holds. */
export function scenarioAt(scenario: Scenario, point: SweepPoint): Scenario {
  const depth = (path: string) => path.split('.').length
  return Object.entries(point)
    .map(([field, value]) => [fieldOf(field), value] as const)
    .sort(([a], [b]) => depth(a) - depth(b))
    .reduce((at, [path, value]) => withField(at, path, value), scenario)
}

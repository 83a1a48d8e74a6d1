import { fieldOf, withField } from '../scenario/fields.js'
import type { Scenario, ScenarioParts } from '../scenario/scenario.js'
import type { Duration, Rate } from '../scenario/units.js'
import { show, ValidationError } from '../validation/validation-error.js'

/** The fields that are swept most often, with the types of their values. */
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
 * The values of each field to sweep; several fields give every combination. Fields are named by their path, such as
 * `'batching.maxWait'`; `rate`, `maxBatchSize` and `maxWait` are short names.
 */
export type SweepFields = { [F in keyof SweptOften]?: SweptOften[F][] | undefined } & {
  [field: string]: readonly unknown[] | undefined
}

/** One value of each swept field, by the names given to `sweep`. */
export type SweepPoint = { [F in keyof SweptOften]?: SweptOften[F] } & { [field: string]: unknown }

/**
 * Returns every combination of values; the last field changes fastest.
 *
 * @throws ValidationError if a field is unknown or given twice, or its values are not a list
 */
export function pointsOf(fields: SweepFields): SweepPoint[] {
  const given = Object.entries(fields).filter(([, values]) => values !== undefined)
  const paths = new Map<string, string>()
  for (const [field, values] of given) {
    const path = fieldOf(field, `sweep.${field}`)
    const twice = paths.get(path)
    if (twice !== undefined) throw new ValidationError(`sweep.${field}`, `is already swept as ${twice}`)
    paths.set(path, field)
    if (!Array.isArray(values) || values.length === 0) {
      throw new ValidationError(`sweep.${field}`, `must be a non-empty list of values, got ${show(values)}`)
    }
  }
  return given.reduce<SweepPoint[]>(
    (points, [field, values]) =>
      points.flatMap((point) => (values as unknown[]).map((value) => ({ ...point, [field]: value }))),
    [{}],
  )
}

/** Returns the scenario at a point. Parents are set before their fields, so that both take effect. */
export function scenarioAt(scenario: Scenario, point: SweepPoint): Scenario {
  const depth = (path: string) => path.split('.').length
  return Object.entries(point)
    .map(([field, value]) => [fieldOf(field), value] as const)
    .sort(([a], [b]) => depth(a) - depth(b))
    .reduce((at, [path, value]) => withField(at, path, value), scenario)
}

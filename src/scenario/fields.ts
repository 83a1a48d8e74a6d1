import { z } from 'zod'
import { nearestName } from '../validation/nearest.js'
import { show, ValidationError } from '../validation/validation-error.js'
import { type Scenario, scenarioSchema } from './scenario.js'

/** What the fields are called that are varied most, without the name of what they are in. */
const SHORT: Record<string, string> = {
  rate: 'arrivals.rate',
  maxBatchSize: 'batching.maxBatchSize',
  maxWait: 'batching.maxWait',
}

/** The one name of a field that has a short one too, whether or not there is such a field. */
export const wholeName = (given: string) => (Object.hasOwn(SHORT, given) ? (SHORT[given] as string) : given)

/** Stands for any key of a record, or any place in a list. */
const ANY = '*'

let known: string[] | null = null

/** Every field that a scenario may have, as `batching.maxWait`; `*` is any key, or any place in a list. */
export function scenarioFields(): string[] {
  known ??= [...new Set(fieldsIn(z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' })))]
  return known
}

type Node = z.core.JSONSchema._JSONSchema

function fieldsIn(node: Node | undefined, path = ''): string[] {
  if (typeof node !== 'object') return []
  const { properties = {}, additionalProperties, items, anyOf = [], oneOf = [], allOf = [] } = node
  const children = Object.entries(properties)
  if (typeof additionalProperties === 'object') children.push([ANY, additionalProperties])
  if (items !== undefined && !Array.isArray(items)) children.push([ANY, items])
  return [
    ...[...anyOf, ...oneOf, ...allOf].flatMap((branch) => fieldsIn(branch, path)),
    ...children.flatMap(([key, child]) => {
      const at = path === '' ? key : `${path}.${key}`
      return [at, ...fieldsIn(child, at)]
    }),
  ]
}

/**
 * The whole name of a field of a scenario: `batching.maxWait` for itself, and for `maxWait`.
 *
 * @param name what messages call it
 * @throws ValidationError if there is no such field, with the nearest
 */
export function fieldOf(given: string, name = given): string {
  const path = wholeName(given)
  const parts = path.split('.')
  const matches = (field: string) => {
    const keys = field.split('.')
    return keys.length === parts.length && keys.every((key, i) => (key === ANY ? isKey(parts[i]) : key === parts[i]))
  }
  const fields = scenarioFields()
  if (fields.some(matches)) return path
  const nearest = nearestName(given, [...Object.keys(SHORT), ...fields.filter((field) => !field.includes(ANY))])
  const hint = nearest === null ? '' : ` (did you mean '${nearest}'?)`
  throw new ValidationError(name, `is no field of a scenario${hint}; a field is written as in batching.maxBatchSize`)
}

const isKey = (key: string | undefined) => key !== undefined && key !== '' && !(key in Object.prototype)

/**
 * A scenario with another value of one of its fields, which `fieldOf` has named. What the field is in and the scenario
 * does not have yet begins empty; arrivals that are a rate alone become a Poisson process of it, and a service that is
 * a duration alone an affine one.
 *
 * @throws ValidationError if the field is in something that has no fields
 */
export function withField(scenario: Scenario, path: string, value: unknown): Scenario {
  return set(scenario, path.split('.'), [], value) as Scenario
}

function set(inside: unknown, [key, ...rest]: string[], above: string[], value: unknown): unknown {
  const name = key as string
  const at = [...above, name]
  const whole = opened(inside, above)
  const old = Array.isArray(whole) ? whole[Number(name)] : (whole as Record<string, unknown>)[name]
  const made = rest.length === 0 ? value : set(old, rest, at, value)
  if (!Array.isArray(whole)) return { ...whole, [name]: made }
  if (!(Number(name) < whole.length)) {
    throw new ValidationError(at.join('.'), `is beyond the list, which holds ${whole.length}`)
  }
  return whole.with(Number(name), made)
}

/** What can have fields, of what may stand for it alone. */
function opened(value: unknown, path: string[]): object {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null) return value
  const name = path.join('.')
  if (name === 'arrivals') return { process: 'poisson', rate: value }
  if (name === 'service') return { model: 'affine', base: value }
  throw new ValidationError(name, `has no fields of its own to change, got ${show(value)}`)
}

/** The value of a field, or undefined where there is none. */
export function fieldIn(scenario: object, path: string): unknown {
  let value: unknown = scenario
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

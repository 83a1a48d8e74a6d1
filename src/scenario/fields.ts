import { z } from 'zod'
import { nearestName, suggest } from '../validation/nearest.js'
import { show, ValidationError } from '../validation/validation-error.js'
import { type Scenario, scenarioSchema } from './scenario.js'

/** Short names of the fields that are swept most often. */
const SHORT: Record<string, string> = {
  rate: 'arrivals.rate',
  maxBatchSize: 'batching.maxBatchSize',
  maxWait: 'batching.maxWait',
}

/** Expands the short name of a field; returns any other name unchanged. */
export const wholeName = (given: string) => (Object.hasOwn(SHORT, given) ? (SHORT[given] as string) : given)

/** Matches any key of a record, or any index of a list. */
const ANY = '*'

let known: string[] | null = null

/** Lists every field of a scenario, such as `batching.maxWait`; `*` matches any key, or any index of a list. */
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
 * Returns the full name of a scenario's field: `batching.maxWait` for `maxWait` or `batching.maxWait`.
 *
 * @param name the field's name in error messages
 * @throws ValidationError if there is no such field, with the nearest one
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
  const hint = suggest(nearest)
  throw new ValidationError(name, `is not a field of a scenario${hint}; write a field like batching.maxBatchSize`)
}

const isKey = (key: string | undefined) => key !== undefined && key !== '' && !(key in Object.prototype)

/**
 * Returns a copy of a scenario with one field changed, by its full name from `fieldOf`. Missing parents are created as
 * empty objects; arrivals that are a bare rate become a Poisson process, and a service that is a bare duration an affine
 * one.
 *
 * @throws ValidationError if the parent has no fields
 */
export function withField(scenario: Scenario, path: string, value: unknown): Scenario {
  return set(scenario, path.split('.'), [], value) as Scenario
}

function set(inside: unknown, [key, ...rest]: string[], above: string[], value: unknown): unknown {
  const name = key as string
  const at = [...above, name]
  const whole = expandShorthand(inside, above)
  const old = Array.isArray(whole) ? whole[Number(name)] : (whole as Record<string, unknown>)[name]
  const made = rest.length === 0 ? value : set(old, rest, at, value)
  if (!Array.isArray(whole)) return { ...whole, [name]: made }
  if (!(Number(name) < whole.length)) {
    throw new ValidationError(
      at.join('.'),
      `is out of range; the list has ${whole.length} ${whole.length === 1 ? 'entry' : 'entries'}`,
    )
  }
  return whole.with(Number(name), made)
}

/** Expands shorthand, so that a field can be set: a bare rate to a process, a bare duration to a service. */
function expandShorthand(value: unknown, path: string[]): object {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null) return value
  const name = path.join('.')
  if (name === 'arrivals') return { process: 'poisson', rate: value }
  if (name === 'service') return { model: 'affine', base: value }
  throw new ValidationError(name, `has no fields to change, got ${show(value)}`)
}

/** The value of a field; undefined if it is missing. */
export function fieldIn(scenario: object, path: string): unknown {
  let value: unknown = scenario
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

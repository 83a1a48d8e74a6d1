import { z } from 'zod'
import { nearestName } from '../validation/nearest.js'
import { isAbortSignal, isPlain } from '../validation/realm.js'
import { got, ValidationError } from '../validation/validation-error.js'
import { LONGEST_NS, NS_PER_MS, NS_PER_SECOND, nanoseconds } from './nanoseconds.js'

/** The maximum number of requests in a run, as counters are 32 bits wide. */
export const MOST_REQUESTS = 2 ** 32 - 1

/** Milliseconds per unit of time. */
export const MS_PER: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 }
const PER_SECOND: Record<string, number> = { ms: 1e3, s: 1, m: 1 / 60, h: 1 / 3600 }

const DURATION = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(ns|us|µs|ms|s|m|h)\s*$/
const RATE = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*\/\s*(ms|s|m|h)\s*$/

/** A number of milliseconds, or a string with a unit: `'250us'`, `'5ms'`, `'1.5s'`, `'2m'`. */
export type Duration = number | string
/** A number per second, or a string with a unit: `'800/s'`, `'30/m'`. */
export type Rate = number | string

/** Parses a duration into milliseconds; null if it is not one. */
export function durationMs(value: unknown): number | null {
  if (typeof value === 'number') return value
  const match = typeof value === 'string' ? DURATION.exec(value) : null
  return match === null ? null : Number(match[1]) * (MS_PER[match[2] as string] as number)
}

/** Parses a rate into a number per second; null if it is not one. */
export function ratePerSecond(value: unknown): number | null {
  if (typeof value === 'number') return value
  const match = typeof value === 'string' ? RATE.exec(value) : null
  return match === null ? null : Number(match[1]) * (PER_SECOND[match[2] as string] as number)
}

const DURATION_IS = "a duration of 0 or more, in milliseconds or with a unit ('250us', '5ms', '1.5s', '2m')"
const LONGER_DURATION_IS = DURATION_IS.replace('of 0 or more', 'of 1 ns or more')
const RATE_IS = "a rate above 0 and at most 1,000,000,000/s, as a number per second or with a unit ('800/s', '30/m')"

function durationSchema(description: string, accepts: (ms: number) => boolean) {
  return z.union([z.number(), z.string()], { error: `must be ${description}` }).transform((value, context) => {
    const ms = durationMs(value)
    if (ms !== null && ms * NS_PER_MS < LONGEST_NS && accepts(ms)) return ms
    context.issues.push({ code: 'custom', message: `must be ${description}`, input: value })
    return z.NEVER
  })
}

/** The schema of a duration, parsed into milliseconds. */
export const duration = durationSchema(DURATION_IS, (ms) => ms >= 0)
/** The schema of a duration above 0, parsed into milliseconds. */
export const positiveDuration = durationSchema(LONGER_DURATION_IS, (ms) => nanoseconds(ms) >= 1)

const RATE_OR_NONE_IS = RATE_IS.replace('above 0', 'of 0 or more')

function rateSchemaOf(description: string, accepts: (perSecond: number) => boolean) {
  return z.union([z.number(), z.string()], { error: `must be ${description}` }).transform((value, context) => {
    const perSecond = ratePerSecond(value)
    // at more than one request per nanosecond, due times in whole nanoseconds would coincide
    if (perSecond !== null && perSecond <= NS_PER_SECOND && accepts(perSecond)) return perSecond
    context.issues.push({ code: 'custom', message: `must be ${description}`, input: value })
    return z.NEVER
  })
}

/** The schema of a rate, parsed into a number per second. */
export const rateSchema = rateSchemaOf(RATE_IS, (perSecond) => perSecond > 0)
/** The schema of a rate that may be 0, parsed into a number per second. */
export const rateOrNoneSchema = rateSchemaOf(RATE_OR_NONE_IS, (perSecond) => perSecond >= 0)

const FRACTION = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*%\s*$/

/** A fraction of 1, or a string: `'5%'`. */
export type Fraction = number | string

/** Parses a fraction into a number; null if it is not one. */
export function fractionOf(value: number | string): number | null {
  if (typeof value === 'number') return value
  const match = FRACTION.exec(value)
  return match === null ? null : Number(match[1]) / 100
}

const FRACTION_IS = "a fraction of 0 or more and below 1, as a number (0.05) or a percentage ('5%')"

/** The schema of a fraction of 0 or more and below 1, parsed into a number. */
export const fraction = z
  .union([z.number(), z.string()], { error: `must be ${FRACTION_IS}` })
  .transform((value, context) => {
    const read = fractionOf(value)
    if (read !== null && read >= 0 && read < 1) return read
    context.issues.push({ code: 'custom', message: `must be ${FRACTION_IS}`, input: value })
    return z.NEVER
  })

/** Bytes per unit of size. */
const BYTES_PER: Record<string, number> = {
  ...{ B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
}
const SIZE = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)\s*$/
/** Node's own limit of a buffer is slightly higher. */
const MOST_BYTES = 4e9
const SIZE_IS = "a size from 1 byte to 4 GB, as a whole number of bytes or with a unit ('500 kB', '16 MB', '1 GiB')"

/** The schema of a size, parsed into bytes. */
export const size = z.union([z.number(), z.string()], { error: `must be ${SIZE_IS}` }).transform((value, context) => {
  const match = typeof value === 'string' ? SIZE.exec(value) : null
  const bytes = match === null ? value : Number(match[1]) * (BYTES_PER[match[2] as string] as number)
  if (typeof bytes === 'number' && Number.isInteger(bytes) && bytes >= 1 && bytes <= MOST_BYTES) return bytes
  context.issues.push({ code: 'custom', message: `must be ${SIZE_IS}`, input: value })
  return z.NEVER
})

/** The schema of a whole number within bounds. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER, hint = '') {
  const error = ({ input }: { input?: unknown }) => {
    // names the default maximum only if the value exceeds it
    const unsaid = most === Number.MAX_SAFE_INTEGER && !(typeof input === 'number' && input > most)
    const upTo = unsaid ? '' : ` and at most ${most.toLocaleString('en')}`
    return `must be a whole number of at least ${least}${upTo}${hint === '' ? '' : `; ${hint}`}`
  }
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error })
}

export const abortSignal = z.custom<AbortSignal>(isAbortSignal, { error: 'must be an AbortSignal' })

// zod takes a Map, a Date or a promise for an object without keys, which would mean all defaults
const PlainObject: z.core.$constructor<z.ZodObject> = z.core.$constructor('PlainObject', (schema, def) => {
  z.ZodObject.init(schema, def)
  const { parse } = schema._zod
  schema._zod.parse = (payload, context) => {
    const { value } = payload
    if (typeof value !== 'object' || value === null || isPlain(value)) return parse(payload, context)
    payload.issues.push({ code: 'invalid_type', expected: 'object', input: value, inst: schema })
    return payload
  }
})

/** An object that has another object as one of its options. */
interface Parent {
  option: string
  keys: readonly string[]
}

/** The parts of a schema's definition that lead to the objects in it. */
interface Definition {
  shape?: Record<string, z.core.$ZodType>
  parents?: Parent[]
  innerType?: z.core.$ZodType
  in?: z.core.$ZodType
  options?: z.core.$ZodType[]
}

/** The definitions of the objects that a value may be: the schema itself, or what is optional, a default or a union. */
function objectsIn(schema: z.core.$ZodType): Definition[] {
  const definition = schema._zod.def as Definition
  if (definition.shape !== undefined) return [definition]
  const { innerType, in: source, options = [] } = definition
  return [innerType, source, ...options].flatMap((inner) => (inner === undefined ? [] : objectsIn(inner)))
}

/**
 * The schema of a plain object with these keys and no others. Its error for an unknown key lists the accepted ones, and
 * suggests the one meant: a similar one, or the same one a level deeper or higher.
 */
export function options<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape)
  const inner = keys.map((key) => [key, objectsIn(shape[key] as z.core.$ZodType)] as const)
  for (const [option, objects] of inner) for (const { parents } of objects) parents?.push({ option, keys })
  const parents: Parent[] = []
  const suggest = (key: string): string[] => {
    const similar = nearestName(key, keys)
    if (similar !== null) return [`did you mean '${similar}'?`]
    const holders = inner.filter(([, objects]) => objects.some(({ shape = {} }) => Object.hasOwn(shape, key)))
    const deeper = holders.slice(0, 3).map(([holder]) => `'${holder}.${key}'`)
    if (deeper.length > 0) return [`did you mean ${deeper.join(' or ')}?`]
    const higher = parents.find((parent) => parent.keys.includes(key))
    return higher === undefined ? [] : [`write '${key}' next to '${higher.option}', not in it`]
  }
  return new PlainObject({
    type: 'object',
    shape,
    catchall: z.never(),
    parents,
    error: ({ code, ...issue }: z.core.$ZodRawIssue) => {
      if (code !== 'unrecognized_keys') return `must be an object of ${keys.join(', ')}`
      const suggestions = ((issue as { keys?: string[] }).keys ?? []).slice(0, 3).flatMap(suggest)
      const hint = suggestions.length === 0 ? '' : `(${suggestions.join(' ')}); `
      return `${hint}accepted: ${keys.join(', ')}`
    },
  } as z.core.$ZodObjectDef) as ReturnType<typeof z.strictObject<Shape>>
}

/**
 * Returns the options of a factory, which takes one object.
 *
 * @param example a right call, for the message
 * @throws ValidationError if it got something else, such as its options one by one
 */
export function readOptions<Options extends object>(given: Options, example: string): Options {
  // the schema reports what is missing
  if (given === undefined || given === null || isPlain(given)) return given
  const name = example.slice(0, example.indexOf('('))
  throw new ValidationError(name, `must be called with one object, such as ${example}, ${got(given)}`)
}

import { z } from 'zod'

/** The longest run. Beyond 2^53 ns (104 days) a double cannot represent every nanosecond, and ties would be lost. */
export const LONGEST_NS = 2 ** 53
export const NS_PER_MS = 1_000_000
export const NS_PER_SECOND = 1_000_000_000

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

function rateSchema(description: string, accepts: (perSecond: number) => boolean) {
  return z.union([z.number(), z.string()], { error: `must be ${description}` }).transform((value, context) => {
    const perSecond = ratePerSecond(value)
    // at more than one request per nanosecond, due times in whole nanoseconds would coincide
    if (perSecond !== null && perSecond <= NS_PER_SECOND && accepts(perSecond)) return perSecond
    context.issues.push({ code: 'custom', message: `must be ${description}`, input: value })
    return z.NEVER
  })
}

/** The schema of a rate, parsed into a number per second. */
export const rate = rateSchema(RATE_IS, (perSecond) => perSecond > 0)
/** The schema of a rate that may be 0, parsed into a number per second. */
export const rateOrNone = rateSchema(RATE_OR_NONE_IS, (perSecond) => perSecond >= 0)

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

/** Rounds a positive number. In hot loops this is a fifth faster than Math.round, which has to handle the sign. */
export function nearest(ns: number): number {
  return Math.floor(ns + 0.5)
}

/** Converts milliseconds to whole nanoseconds, the unit of the engines. */
export function nanoseconds(ms: number): number {
  return Math.round(ms * NS_PER_MS)
}

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

/** Whether a value is a plain object, as made by `{}` or JSON, in any realm. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

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

/** The schema of a plain object with these keys and no others. Its error for an unknown key lists the accepted ones. */
export function options<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ')
  return new PlainObject({
    type: 'object',
    shape,
    catchall: z.never(),
    error: ({ code }: z.core.$ZodRawIssue) =>
      code === 'unrecognized_keys' ? `accepted: ${keys}` : `must be an object of ${keys}`,
  }) as ReturnType<typeof z.strictObject<Shape>>
}

import { z } from 'zod'

/** Beyond 2^53 nanoseconds (104 days) a double no longer holds every nanosecond, and ties would be lost. */
export const LONGEST_NS = 2 ** 53
export const NS_PER_MS = 1_000_000
export const NS_PER_SECOND = 1_000_000_000

/** A run's counters are 32 bits wide. */
export const MOST_REQUESTS = 2 ** 32 - 1

/** The milliseconds of each unit of time. */
export const MS_PER: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 }
const PER_SECOND: Record<string, number> = { ms: 1e3, s: 1, m: 1 / 60, h: 1 / 3600 }

const DURATION = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(ns|us|µs|ms|s|m|h)\s*$/
const RATE = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*\/\s*(ms|s|m|h)\s*$/

/** A number of milliseconds, or a string with its unit: `'250us'`, `'5ms'`, `'1.5s'`, `'2m'`. */
export type Duration = number | string
/** A number a second, or a string: `'800/s'`, `'30/m'`. */
export type Rate = number | string

/** The milliseconds of a duration, or null where it is none. */
export function durationMs(value: unknown): number | null {
  if (typeof value === 'number') return value
  const match = typeof value === 'string' ? DURATION.exec(value) : null
  return match === null ? null : Number(match[1]) * (MS_PER[match[2] as string] as number)
}

/** The number a second of a rate, or null where it is none. */
export function ratePerSecond(value: unknown): number | null {
  if (typeof value === 'number') return value
  const match = typeof value === 'string' ? RATE.exec(value) : null
  return match === null ? null : Number(match[1]) * (PER_SECOND[match[2] as string] as number)
}

const DURATION_IS = "a duration of 0 or more, as milliseconds or with its unit ('250us', '5ms', '1.5s', '2m')"
const LONGER_DURATION_IS = DURATION_IS.replace('of 0 or more', 'of 1 ns or more')
const RATE_IS =
  "a rate above 0 and at most a thousand million a second, as a number a second or with its unit ('800/s', '30/m')"

function durationSchema(description: string, accepts: (ms: number) => boolean) {
  return z.union([z.number(), z.string()], { error: `must be ${description}` }).transform((value, context) => {
    const ms = durationMs(value)
    if (ms !== null && ms * NS_PER_MS < LONGEST_NS && accepts(ms)) return ms
    context.issues.push({ code: 'custom', message: `must be ${description}`, input: value })
    return z.NEVER
  })
}

/** Reads a duration into milliseconds. */
export const duration = durationSchema(DURATION_IS, (ms) => ms >= 0)
/** Reads a duration that must not be 0 into milliseconds. */
export const positiveDuration = durationSchema(LONGER_DURATION_IS, (ms) => nanoseconds(ms) >= 1)

const RATE_OR_NONE_IS = RATE_IS.replace('above 0', 'of 0 or more')

function rateSchema(description: string, accepts: (perSecond: number) => boolean) {
  return z.union([z.number(), z.string()], { error: `must be ${description}` }).transform((value, context) => {
    const perSecond = ratePerSecond(value)
    // above one a nanosecond, whole nanoseconds could not tell arrivals apart
    if (perSecond !== null && perSecond <= NS_PER_SECOND && accepts(perSecond)) return perSecond
    context.issues.push({ code: 'custom', message: `must be ${description}`, input: value })
    return z.NEVER
  })
}

/** Reads a rate into a number a second. */
export const rate = rateSchema(RATE_IS, (perSecond) => perSecond > 0)
/** Reads a rate that may be 0 into a number a second. */
export const rateOrNone = rateSchema(RATE_OR_NONE_IS, (perSecond) => perSecond >= 0)

const FRACTION = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*%\s*$/

/** A fraction of 1, or a string: `'5%'`. */
export type Fraction = number | string

/** The number of a fraction, or null where it is none. */
export function fractionOf(value: number | string): number | null {
  if (typeof value === 'number') return value
  const match = FRACTION.exec(value)
  return match === null ? null : Number(match[1]) / 100
}

const FRACTION_IS = "a fraction of 0 or more and below 1, as a number (0.05) or with its unit ('5%')"

/** Reads a fraction into a number. */
export const fraction = z
  .union([z.number(), z.string()], { error: `must be ${FRACTION_IS}` })
  .transform((value, context) => {
    const read = fractionOf(value)
    if (read !== null && read >= 0 && read < 1) return read
    context.issues.push({ code: 'custom', message: `must be ${FRACTION_IS}`, input: value })
    return z.NEVER
  })

/** The nearest whole number of a positive one: in hot loops a fifth faster than Math.round, which minds the sign. */
export function nearest(ns: number): number {
  return Math.floor(ns + 0.5)
}

/** A whole number of nanoseconds, the engines' time. */
export function nanoseconds(ms: number): number {
  return Math.round(ms * NS_PER_MS)
}

/** A whole number within bounds. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER, hint = '') {
  const error = ({ input }: { input?: unknown }) => {
    // the largest that there is at all goes without saying, but to who went beyond it
    const unsaid = most === Number.MAX_SAFE_INTEGER && !(typeof input === 'number' && input > most)
    const upTo = unsaid ? '' : ` and at most ${most.toLocaleString('en')}`
    return `must be a whole number of at least ${least}${upTo}${hint === '' ? '' : `; ${hint}`}`
  }
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error })
}

/** Whether a value is an object that holds no more than its keys, as `{}` and JSON make them, of whichever realm. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

// a Map, a Date or a promise would else be taken for an object without keys, and so for all defaults
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

/** A plain object that holds these keys and no others, naming them when it finds another. */
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

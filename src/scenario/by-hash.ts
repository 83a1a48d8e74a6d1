import { z } from 'zod'

/** How long a list may be that a Result keeps as it is. */
export const LONGEST_KEPT = 1000

/**
 * What a Result keeps of a list of more than 1,000 values: how many there were, and a hash that tells two lists
 * apart. The list itself is gone, so that such a scenario cannot be run again.
 */
export interface ByHash {
  count: number
  hash: string
}

/** A list as a scenario holds it, or what a Result has kept of it. */
export type Listed<Value> = Value[] | ByHash

/** How many values a list has, or had. */
export const countOf = (list: Listed<unknown>): number => (Array.isArray(list) ? list.length : list.count)

/** The values of a list; no scenario with a list by hash passes its schema, so that an engine never meets one. */
export function valuesOf<Value>(list: Listed<Value>): Value[] {
  if (Array.isArray(list)) return list
  throw new TypeError(KEPT)
}

const KEPT = 'was kept by hash, as a Result keeps more than 1,000 values, and cannot be run again; give the list itself'
const byHash = z
  .strictObject({ count: z.number(), hash: z.string() })
  .refine(() => false, { error: KEPT })
  .transform((value): ByHash => value)

/** A schema of lists, which refuses what a Result has kept of one by name. */
export function listed<Output, Input>(list: z.ZodType<Output[], Input>, error: string) {
  return z.union([list, byHash], { error })
}

/** The lists of a scenario that are as long as a trace or a sample is. */
const LISTS = new Set(['timestamps', 'samples', 'times'])

/** A scenario as a Result keeps it: lists of more than 1,000 values by their hash. */
export function hashLongParts<Part>(part: Part, key = ''): Part {
  if (Array.isArray(part)) {
    if (!LISTS.has(key) || part.length <= LONGEST_KEPT) return part
    const doubles = part.flatMap((value) => (typeof value === 'number' ? value : Object.values<number>(value)))
    return { count: part.length, hash: hashOf(doubles) } satisfies ByHash as Part
  }
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([each, value]) => [each, hashLongParts(value, each)])) as Part
}

/** A scenario as its schema reads it, to be checked alone: for each list that was kept by hash one that could be. */
export function withLists<Part>(part: Part, key = ''): Part {
  if (typeof part !== 'object' || part === null) return part
  if (Array.isArray(part)) return part.map((each) => withLists(each)) as Part
  const { count, hash, by } = part as Partial<ByHash> & { by?: unknown }
  if (LISTS.has(key) && typeof count === 'number' && count > 0 && typeof hash === 'string') return [1] as Part
  const given = Object.entries(part).map(([each, value]) => [each, withLists(value, each)])
  const made = Object.fromEntries(given)
  // what was recorded by time is a list of batches
  if (by === 'time' && made.times?.[0] === 1) made.times = [{ at: 0, time: 1 }]
  return made
}

/** A hash of 64 bits over doubles, in hexadecimal: two lanes of multiplying and mixing over their words. */
export function hashOf(values: ArrayLike<number>): string {
  const words = new Int32Array(Float64Array.from(values).buffer)
  let a = 0x9e3779b9 | 0
  let b = 0x243f6a88 | 0
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number
    a = Math.imul(a ^ word, 0x85ebca6b)
    a ^= a >>> 15
    b = Math.imul(b ^ word, 0xc2b2ae35)
    b ^= b >>> 13
  }
  // each lane stirs the other, so that all 64 bits depend on every word
  a = Math.imul(a ^ (b >>> 16), 0x21f0aaad) ^ words.length
  b = Math.imul(b ^ (a >>> 15), 0x735a2d97)
  return [a, b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('')
}

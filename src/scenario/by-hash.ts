/** The longest list that a Result stores in full. */
const LONGEST_KEPT = 1000

/**
 * A list of more than 1,000 values as a Result stores it: its length and a hash, so that two lists can be compared. The
 * values are not stored, so the scenario cannot run again.
 */
export interface ByHash {
  count: number
  hash: string
}

/** A list in a scenario, or its hash in a stored one. */
export type Listed<Value> = Value[] | ByHash

/** The length of a list, or of the list that was hashed. */
export const countOf = (list: Listed<unknown>): number => (Array.isArray(list) ? list.length : list.count)

/** The values of a list. The schema refuses scenarios with hashed lists, so that an engine never gets one. */
export function valuesOf<Value>(list: Listed<Value>): Value[] {
  if (Array.isArray(list)) return list
  throw new TypeError(HASH_ONLY_ERROR)
}

export const HASH_ONLY_ERROR =
  'is only a hash, because a Result stores lists of more than 1,000 values as a hash, and cannot be run again; give the list itself'

/** The keys of a scenario's long lists: traces, samples and recorded times. */
const LISTS = new Set(['timestamps', 'samples', 'times'])

/** Replaces the long lists of a scenario by their hashes, for storing. */
export function hashLongParts<Part>(part: Part, key = ''): Part {
  if (Array.isArray(part)) {
    if (!LISTS.has(key) || part.length <= LONGEST_KEPT) return part
    const doubles = part.flatMap((value) => (typeof value === 'number' ? value : Object.values<number>(value)))
    return { count: part.length, hash: hashOf(doubles) } satisfies ByHash as Part
  }
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([each, value]) => [each, hashLongParts(value, each)])) as Part
}

/** Replaces hashed lists by valid placeholders, so that the schema can check the rest of a stored scenario. */
export function withLists<Part>(part: Part, key = ''): Part {
  if (typeof part !== 'object' || part === null) return part
  if (Array.isArray(part)) return part.map((each) => withLists(each)) as Part
  const { count, hash, by } = part as Partial<ByHash> & { by?: unknown }
  if (LISTS.has(key) && typeof count === 'number' && count > 0 && typeof hash === 'string') return [1] as Part
  const given = Object.entries(part).map(([each, value]) => [each, withLists(value, each)])
  const made = Object.fromEntries(given)
  // times recorded by time are batches
  if (by === 'time' && made.times?.[0] === 1) made.times = [{ at: 0, time: 1 }]
  return made
}

/** Hashes doubles to 64 bits, in hexadecimal. Two 32-bit lanes multiply and mix the words. */
export function hashOf(values: ArrayLike<number>): string {
  const doubles = values instanceof Float64Array ? values : Float64Array.from(values)
  const words = new Int32Array(doubles.buffer, doubles.byteOffset, 2 * doubles.length)
  let a = 0x9e3779b9 | 0
  let b = 0x243f6a88 | 0
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number
    a = Math.imul(a ^ word, 0x85ebca6b)
    a ^= a >>> 15
    b = Math.imul(b ^ word, 0xc2b2ae35)
    b ^= b >>> 13
  }
  // mix each lane into the other, so that all 64 bits depend on every word
  a = Math.imul(a ^ (b >>> 16), 0x21f0aaad) ^ words.length
  b = Math.imul(b ^ (a >>> 15), 0x735a2d97)
  return [a, b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('')
}

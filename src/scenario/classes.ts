import { z } from 'zod'
import { stream } from '../random/stream.js'
import { nearestName } from '../validation/nearest.js'
import { ValidationError } from '../validation/validation-error.js'
import { TIMES } from './budget.js'
import { type Service, type ServiceInput, serviceSchema } from './service/service.js'
import { type Duration, options } from './units.js'

/** The classes of a run's requests. The engines call `classOf` for requests in any order, on any thread. */
export interface RequestClasses {
  readonly names: readonly string[]
  /** the class of a request, by its place in `names`; always the same for the same request */
  classOf(index: number): number
}

/** How many classes a run may have: each has its own histogram for each segment of the window. */
export const MOST_CLASSES = 64
const LONGEST_NAME = 100

/** Names that would be read as something else in a budget: `queueing.p99`. */
const RESERVED: readonly string[] = [...TIMES, 'first', 'between', 'failed']

/** What is wrong with the name of a class; null if nothing is. */
export function faultOfClassName(name: string): string | null {
  if (name.trim() === '' || name !== name.trim()) return 'must be a name without spaces around it'
  if (name.length > LONGEST_NAME) return `must be a name of at most ${LONGEST_NAME} characters`
  if (RESERVED.includes(name)) return `must be another name: in a budget, '${name}.p99' is a time of all requests`
  if (name in Object.prototype) return 'must be another name: objects have a property of this name'
  return null
}

/** What is wrong with the number of classes; null if nothing is. */
export const faultOfClassCount = (count: number) =>
  count >= 1 && count <= MOST_CLASSES ? null : `must have 1 to ${MOST_CLASSES} classes, got ${count}`

const weightError = 'must be a number above 0: how often requests of this class come, compared with the others'

/** The schema of the classes of a scenario. */
export const classesSchema = z
  .record(
    z.string(),
    options({
      weight: z
        .number({ error: weightError })
        .positive({ error: weightError })
        .max(1e9, { error: 'must be at most 1e9' })
        .default(1),
      service: serviceSchema.optional(),
    }),
    { error: 'must be an object of classes by name, such as { checkout: { weight: 1 }, browse: { weight: 4 } }' },
  )
  .superRefine((given, context) => {
    const names = Object.keys(given)
    const add = (message: string | null, path: string[]) => {
      if (message !== null) context.issues.push({ code: 'custom', message, input: given, path })
    }
    add(faultOfClassCount(names.length), [])
    for (const name of names) {
      add(faultOfClassName(name), [name])
      add(faultOfService(given[name]?.service), [name, 'service'])
    }
  })

function faultOfService(service: Service | undefined): string | null {
  if (service?.model === 'recorded') return 'must not be recorded: recorded times are those of batches, not of a class'
  if (service?.overhead === undefined) return null
  return "must have no overhead: dispatch times are those of batches; set them in the scenario's own service"
}

/** The classes of a scenario: how often requests of each come, and their service time if it differs. */
export type ClassesInput = Record<
  string,
  { weight?: number | undefined; service?: Duration | ServiceInput | undefined }
>
/** The same with defaults filled in. */
export type Classes = Record<string, { weight: number; service?: Service | undefined }>

/**
 * Draws the class of each request by its weight. The class of a request depends only on the seed, the replication and its
 * number, so that every thread finds the same one, and nothing else of a run changes.
 */
export function drawnClasses(classes: Classes, seed: number, replication = 0): RequestClasses {
  const names = Object.keys(classes)
  const total = Object.values(classes).reduce((sum, { weight }) => sum + weight, 0)
  // a request whose random word is below the limit of a class, and of no class before it, is of that class
  const limits = new Float64Array(names.length)
  let sum = 0
  Object.values(classes).forEach(({ weight }, i) => {
    sum += weight
    limits[i] = (sum / total) * 2 ** 32
  })
  limits[limits.length - 1] = 2 ** 32
  const random = stream(seed, 'classes', replication)
  const [first, second, third] = [random.word(), random.word(), random.word()]
  return {
    names,
    classOf(index) {
      // a hash of the number under a random key: rounds of lowbias32 (Wellons, "Prospecting for hash functions", 2018)
      let word = mix((index | 0) ^ first)
      word = mix((word + Math.floor(index / 2 ** 32)) ^ second)
      word = mix(word ^ third) >>> 0
      let i = 0
      while (word >= (limits[i] as number)) i++
      return i
    },
  }
}

function mix(given: number): number {
  let word = given
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
  return word ^ (word >>> 15)
}

/**
 * The error of a class that no request has.
 *
 * @param path where the class is named
 * @param names the classes that there are
 */
export function noSuchClass(path: string, name: string, names: readonly string[]): ValidationError {
  if (names.length === 0) return new ValidationError(path, `names the class '${name}', but requests have no classes`)
  const nearest = nearestName(name, names)
  const hint = nearest === null ? '' : ` (did you mean '${nearest}'?)`
  return new ValidationError(
    path,
    `names the class '${name}', which no request has${hint}; classes: ${names.join(', ')}`,
  )
}

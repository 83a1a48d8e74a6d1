import { z } from 'zod'
import { weightedByNumber } from '../random/by-number.js'
import { sumBy } from '../statistics/descriptive.js'
import { numberInAll, type Shard } from './arrivals/shard.js'
import { RESERVED } from './budget.js'
import { type Service, type ServiceInput, type ServiceShare, serviceSchema } from './service/service.js'
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
/** The class of requests that have none, if others have. */
export const OTHER_CLASS = 'other'

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
export const classesSchema: z.ZodType<Classes, ClassesInput> = z
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
export function drawnClasses(
  classes: Record<string, { weight: number }>,
  seed: number,
  replication = 0,
): RequestClasses {
  const weights = Object.values(classes).map(({ weight }) => weight)
  return { names: Object.keys(classes), classOf: weightedByNumber(weights, seed, 'classes', replication) }
}

/**
 * The classes of a scenario's requests; null if they have none.
 *
 * @param replication the number of the repetition of the same run, from 0
 */
export function classesOf(
  { classes, seed }: { classes?: Classes | undefined; seed: number },
  replication = 0,
): RequestClasses | null {
  return classes === undefined ? null : drawnClasses(classes, seed, replication)
}

/** The classes of the requests of a shard, by their numbers in it. */
export function classesInShard(classes: RequestClasses | null, shard: Shard | null): RequestClasses | null {
  if (classes === null || shard === null) return classes
  return { names: classes.names, classOf: (index) => classes.classOf(numberInAll(index, shard)) }
}

/** The names of a scenario's classes; empty if it has none. */
export const namesOfClasses = (classes: Classes | undefined): string[] => Object.keys(classes ?? {})

const NO_NAMES: readonly string[] = []

/** The names of the classes of the first `size` of these requests; empty if they have no classes. */
export function classNames(
  classes: RequestClasses | null,
  { numbers, size }: { numbers: Float64Array; size: number },
): readonly string[] {
  if (classes === null) return NO_NAMES
  return Array.from({ length: size }, (_, i) => classes.names[classes.classOf(numbers[i] as number)] as string)
}

/** The services of a scenario's classes: the fraction of requests that each is for. Classes without their own share one. */
export function servicesOf(service: Service, classes: Classes | undefined): ServiceShare[] {
  if (classes === undefined) return [{ service, fraction: 1 }]
  const all = Object.values(classes)
  const total = sumBy(all, ({ weight }) => weight)
  const fractions = new Map<Service, number>()
  for (const { weight, service: own = service } of all) fractions.set(own, (fractions.get(own) ?? 0) + weight / total)
  return [...fractions].map(([service, fraction]) => ({ service, fraction }))
}

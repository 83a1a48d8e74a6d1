import { weightedByNumber } from '../random/by-number.js'
import { numberInAll, type Shard } from './arrivals/shard.js'
import type { Classes } from './classes.js'

/** The classes of a run's requests. The engines call `classOf` for requests in any order, on any thread. */
export interface RequestClasses {
  readonly names: readonly string[]
  /** the class of a request, by its place in `names`; always the same for the same request */
  classOf(index: number): number
}

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

const NO_NAMES: readonly string[] = []

/** The names of the classes of the first `size` of these requests; empty if they have no classes. */
export function classNames(
  classes: RequestClasses | null,
  { numbers, size }: { numbers: Float64Array; size: number },
): readonly string[] {
  if (classes === null) return NO_NAMES
  return Array.from({ length: size }, (_, i) => classes.names[classes.classOf(numbers[i] as number)] as string)
}

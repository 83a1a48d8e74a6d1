import type { DueTimes } from './schedule.js'

/** One of the equal parts into which a stream of requests is divided, so that several machines can send it. */
export interface Shard {
  /** from 1 to `count` */
  index: number
  /** how many machines send the stream */
  count: number
}

/**
 * The number in the whole stream of a shard's request or client, both from 0. Null is the whole stream. Requests are dealt
 * out in turn:
 *
 * ```
 * whole stream:  0 1 2 3 4 5 6 7 8
 * shard 2 of 3:    0     1     2
 * ```
 */
export const numberInAll = (own: number, shard: Shard | null): number =>
  shard === null ? own : own * shard.count + shard.index - 1

/** How many of the first `all` requests or clients of the whole stream are in a shard. */
export const countInShard = (all: number, shard: Shard | null): number =>
  shard === null ? all : Math.max(0, Math.ceil((all - shard.index + 1) / shard.count))

/** How many due times of the whole stream are drawn at a time. */
const BLOCK = 4096

/** The due times of a shard: of the requests of the whole stream, those that are its own. */
export function dueTimesOfShard(all: DueTimes, shard: Shard | null): DueTimes {
  if (shard === null) return all
  const drawn = new Float64Array(BLOCK)
  /** the next own request in `drawn`, which may lie beyond its end */
  let next = BLOCK + shard.index - 1
  return (block) => {
    for (let i = 0; i < block.length; i++) {
      for (; next >= BLOCK; next -= BLOCK) all(drawn)
      block[i] = drawn[next] as number
      next += shard.count
    }
  }
}

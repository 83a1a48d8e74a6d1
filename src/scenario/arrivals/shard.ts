/** One of the equal parts into which a stream of requests is divided, so that several machines can send it. */
export interface Shard {
  /** from 1 to `count` */
  index: number
  /** how many machines send the stream */
  count: number
}

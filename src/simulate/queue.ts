/**
 * The waiting requests, oldest first: parallel typed arrays used as a ring buffer, which doubles when full. Positions
 * count up from 0 and are masked to an index. The engine keeps the position of the oldest request, `head`, and the next
 * free one, `tail`, in local variables.
 *
 * ```
 * index = position & mask:   | c | d |   |   | a | b |      a is the oldest
 *                                  ^tail       ^head
 * ```
 */
export class Queue {
  mask = 1023
  due = new Float64Array(1024)
  /** the request's number; set only if events are emitted */
  number = new Float64Array(1024)
  /** how long at least one server had been idle, in total, when the request joined; set only if batches wait to fill */
  idleNs = new Float64Array(1024)
  /** the client that sent it, in a closed loop */
  client = new Int32Array(1024)
  /** the class of the request; set only if requests have classes */
  class = new Uint8Array(1024)

  grow(head: number, tail: number): void {
    const old = this.mask
    const mask = 2 * old + 1
    const copy = <T extends Float64Array | Int32Array | Uint8Array>(from: T, to: T): T => {
      for (let position = head; position < tail; position++) to[position & mask] = from[position & old] as number
      return to
    }
    this.due = copy(this.due, new Float64Array(mask + 1))
    this.number = copy(this.number, new Float64Array(mask + 1))
    this.idleNs = copy(this.idleNs, new Float64Array(mask + 1))
    this.client = copy(this.client, new Int32Array(mask + 1))
    this.class = copy(this.class, new Uint8Array(mask + 1))
    this.mask = mask
  }

  /** The total time that the waiting requests have waited so far. */
  waitedNs(head: number, tail: number, now: number): number {
    let waited = 0
    for (let position = head; position < tail; position++) waited += now - (this.due[position & this.mask] as number)
    return waited
  }
}

/**
 * The requests that wait, oldest first: parallel typed arrays in a ring that doubles when it is full. Positions count
 * up from 0 for ever, the oldest request's is the head and the next one's the tail; both are the engine's, which
 * keeps them in registers.
 */
export class Queue {
  mask = 1023
  due = new Float64Array(1024)
  /** which request of the run it is; kept where somebody is told */
  number = new Float64Array(1024)
  /** for how long some server had been idle in all when it joined; kept where batches wait to fill */
  idleNs = new Float64Array(1024)
  /** who sent it, in a closed loop */
  client = new Int32Array(1024)

  grow(head: number, tail: number): void {
    const old = this.mask
    const mask = 2 * old + 1
    const moved = <T extends Float64Array | Int32Array>(from: T, to: T): T => {
      for (let position = head; position < tail; position++) to[position & mask] = from[position & old] as number
      return to
    }
    this.due = moved(this.due, new Float64Array(mask + 1))
    this.number = moved(this.number, new Float64Array(mask + 1))
    this.idleNs = moved(this.idleNs, new Float64Array(mask + 1))
    this.client = moved(this.client, new Int32Array(mask + 1))
    this.mask = mask
  }

  /** How long those who wait have waited so far, added up. */
  waitedNs(head: number, tail: number, now: number): number {
    let waited = 0
    for (let position = head; position < tail; position++) waited += now - (this.due[position & this.mask] as number)
    return waited
  }
}

/** A clock for a recorder that stands still until it is moved, in milliseconds. */
export class VirtualClock {
  now: number
  constructor(now = 0) {
    this.now = now
  }
  readonly read = () => this.now
  pass(ms: number): void {
    this.now += ms
  }
  /** Moves on to this time; it never goes back. */
  set(ms: number): void {
    this.now = Math.max(this.now, ms)
  }
}

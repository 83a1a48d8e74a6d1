/** A clock for a recorder, in milliseconds, that stands still until the test moves it. */
export class VirtualClock {
  now: number
  constructor(now = 0) {
    this.now = now
  }
  readonly read = () => this.now
  pass(ms: number): void {
    this.now += ms
  }
  /** Moves on to this time, or stays if that has passed. */
  set(ms: number): void {
    this.now = Math.max(this.now, ms)
  }
}

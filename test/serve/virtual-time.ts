import type { Alarm, Time } from '../../src/serve/batcher/time.js'

const NEVER = Number.POSITIVE_INFINITY

/** Time that goes on when it is told to. What is to be done soon is done by `settle`. */
export class VirtualTime implements Time {
  nowNs = 0
  readonly #alarms: VirtualAlarm[] = []
  #jobs: (() => void)[] = []

  now(): number {
    return this.nowNs
  }
  alarm(ring: () => void): Alarm {
    const alarm = new VirtualAlarm(ring)
    this.#alarms.push(alarm)
    return alarm
  }
  microtask(callback: () => void): void {
    this.#jobs.push(callback)
  }
  bind<Bound>(callback: Bound): Bound {
    return callback
  }
  macrotask(callback: () => void): void {
    this.#jobs.push(callback)
  }

  /** When the next alarm rings; Infinity for never. */
  get alarmNs(): number {
    return Math.min(...this.#alarms.map(({ atNs }) => atNs))
  }

  /** Does what was to be done soon, and what that brings. */
  settle(): void {
    for (let next = this.#jobs.shift(); next !== undefined; next = this.#jobs.shift()) next()
  }

  /** The alarm that is next rings now. */
  rings(): void {
    const { alarmNs } = this
    this.#alarms.find(({ atNs }) => atNs === alarmNs)?.rings()
  }
}

class VirtualAlarm implements Alarm {
  atNs = NEVER
  readonly #ring: () => void

  constructor(ring: () => void) {
    this.#ring = ring
  }
  set(ns: number): void {
    this.atNs = ns
  }
  clear(): void {
    this.atNs = NEVER
  }
  keepAlive(): void {}
  rings(): void {
    this.atNs = NEVER
    this.#ring()
  }
}

import type { Alarm, BatcherTime } from '../../src/serve/batcher/time.js'

const NEVER = Number.POSITIVE_INFINITY

/** Time that stands still until the test moves it. Microtasks and macrotasks wait for `settle`. */
export class VirtualTime implements BatcherTime {
  nowNs = 0
  readonly #alarms: VirtualAlarm[] = []
  readonly #tasks: (() => void)[] = []

  now(): number {
    return this.nowNs
  }
  alarm(onFire: () => void): Alarm {
    const alarm = new VirtualAlarm(onFire)
    this.#alarms.push(alarm)
    return alarm
  }
  microtask(callback: () => void): void {
    this.#tasks.push(callback)
  }
  macrotask(callback: () => void): void {
    this.#tasks.push(callback)
  }
  bind<Bound>(callback: Bound): Bound {
    return callback
  }

  /** When the next alarm fires; Infinity if none is set. */
  get alarmNs(): number {
    return Math.min(...this.#alarms.map(({ atNs }) => atNs))
  }

  /** Runs the tasks that wait, and those that they add. */
  settle(): void {
    for (let next = this.#tasks.shift(); next !== undefined; next = this.#tasks.shift()) next()
  }

  /** Fires the next alarm now. */
  fire(): void {
    const { alarmNs } = this
    this.#alarms.find(({ atNs }) => atNs === alarmNs)?.fire()
  }
}

class VirtualAlarm implements Alarm {
  atNs = NEVER
  readonly #onFire: () => void

  constructor(onFire: () => void) {
    this.#onFire = onFire
  }
  set(ns: number): void {
    this.atNs = ns
  }
  clear(): void {
    this.atNs = NEVER
  }
  keepAlive(): void {}
  fire(): void {
    this.atNs = NEVER
    this.#onFire()
  }
}

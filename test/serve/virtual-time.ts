import type { Time } from '../../src/serve/time.js'

/** Time that goes on when it is told to. What is to be done soon is done by `settle`. */
export class VirtualTime implements Time {
  nowNs = 0
  /** when the alarm rings; Infinity for never */
  alarmNs = Number.POSITIVE_INFINITY
  readonly ring: () => void
  #soon: (() => void)[] = []

  constructor(ring: () => void) {
    this.ring = ring
  }

  now(): number {
    return this.nowNs
  }
  ringAt(ns: number): void {
    this.alarmNs = ns
  }
  silence(): void {
    this.alarmNs = Number.POSITIVE_INFINITY
  }
  soon(callback: () => void): void {
    this.#soon.push(callback)
  }
  turn(callback: () => void): void {
    this.#soon.push(callback)
  }

  /** Does what was to be done soon, and what that brings. */
  settle(): void {
    for (let next = this.#soon.shift(); next !== undefined; next = this.#soon.shift()) next()
  }

  /** The alarm rings now. */
  rings(): void {
    this.alarmNs = Number.POSITIVE_INFINITY
    this.ring()
  }
}

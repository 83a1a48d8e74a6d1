import type { NormalScenario } from '../scenario/scenario.js'
import { nanoseconds } from '../scenario/units.js'
import type { Answers } from './answers.js'
import { type Fate, Losses } from './losses.js'
import { Room, roomBytes } from './room.js'
import type { Window } from './window.js'

/** What a queue allows, and what becomes of the rest. */
export interface Limits {
  /** how many requests may wait, and how long; Infinity is no limit */
  capacity: number
  timeoutNs: number
  /** where those wait that were let in */
  room: Room
  /** A request has left unserved. */
  lose(fate: Fate, number: number, dueNs: number, atNs: number, client: number): void
}

/** The limits of a queue as threads share them. */
export interface SharedLimits {
  capacity: number
  timeoutNs: number
  room: SharedArrayBuffer
  losses: SharedArrayBuffer
}

/** Lays out what the limits of a scenario's queue take; null where it has none. */
export function shareLimits({ queue }: NormalScenario, segments: number): SharedLimits | null {
  if (queue.capacity === null && queue.timeout === null) return null
  const capacity = queue.capacity ?? Number.POSITIVE_INFINITY
  return {
    capacity,
    timeoutNs: queue.timeout === null ? Number.POSITIVE_INFINITY : nanoseconds(queue.timeout),
    room: new SharedArrayBuffer(roomBytes(capacity)),
    losses: new SharedArrayBuffer(Losses.bytes(segments)),
  }
}

/**
 * The limits on one thread of several, and the losses that they write down; a loop's client is told, as of an answer.
 */
export function limitsOf(shared: SharedLimits, window: Window, answers: Answers | null): Limits & { losses: Losses } {
  const { capacity, timeoutNs } = shared
  const one = new Int32Array(1)
  const losses = new Losses(shared.losses, window.segments)
  return {
    capacity,
    timeoutNs,
    room: new Room(shared.room),
    losses,
    lose: (fate, number, dueNs, atNs, client) => {
      losses.record(fate, window, number, dueNs, atNs)
      if (answers === null) return
      one[0] = client
      answers.tell(one, 1, atNs)
    },
  }
}

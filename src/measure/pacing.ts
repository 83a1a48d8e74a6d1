import type { Schedule } from '../scenario/schedule.js'
import type { Bells } from './bells.js'
import type { Clock } from './clock.js'
import type { Queue } from './queue.js'
import { type Rest, SLEEP_NS } from './rest.js'
import type { Ring } from './ring.js'
import type { Window } from './window.js'

/** What sending needs: the time, and ways to let it pass. */
export interface Pace {
  clock: Clock
  rest: Rest
  /** how long before something is due sleeping ends */
  spinNs: number
}

/** Where requests go. */
export interface Outlet {
  ring: Ring
  bells: Bells
  window: Window
  /** where it has limits: followed when servers leave that for long, so that it never fills with who is turned away */
  queue?: Queue
}

/** So many requests may be queued before a queue with limits is followed. */
const BEHIND = 16_384
/** So many requests at most are queued at one reading of the clock, when several are due. */
export const TOGETHER = 64

/**
 * For how long to sleep before something that is due in `leftNs`: until `spinNs` before it. What is then left is
 * spent spinning, since a sleep ends too late by some tenth of a millisecond. 0 is not to sleep at all.
 */
export function sleepNs(leftNs: number, spinNs: number): number {
  return leftNs > spinNs ? leftNs - spinNs : 0
}

/**
 * Sends each request when it is due, or as soon as it can, and never drops one: a late request is late in the result.
 * It gives up where the servers are a whole ring behind or none is left, which ends the window there, or where the time
 * to drain is over; what was due by then is counted as never sent.
 *
 * @returns how late the newest request was sent
 */
export function send(
  next: Schedule,
  stop: { requests: number; ns: number },
  { ring, bells, window, queue }: Outlet,
  pace: Pace,
): number {
  const { clock, rest, spinNs } = pace
  const { startNs } = window
  const { places } = ring
  let number = 0
  let head = 0
  let due = next()
  let lateNs = 0
  const isOver = () =>
    due >= stop.ns || due >= window.endNs || number >= stop.requests || due === Number.POSITIVE_INFINITY
  const come = () => {
    window.arrive(number, due)
    number++
    due = next()
  }

  let over = isOver()
  while (!over) {
    const now = clock()
    const { halted } = window
    if (window.endsEarly && due >= window.endNs) {
      window.end(number, now)
      break
    }
    if (now < due && !halted) {
      const sleep = sleepNs(due - now, spinNs)
      if (sleep > 0) rest.sleep(Math.min(sleep, SLEEP_NS))
      else rest.spin(due - now, now)
      continue
    }
    const most = queue === undefined ? places : Math.min(BEHIND, places)
    if (number - head >= most) head = ring.head(head)
    if (queue !== undefined && number - head >= most) {
      queue.follow(0)
      head = ring.head(head)
    }
    const full = number - head >= places
    if (full || halted || now >= window.drainNs) {
      window.end(number, now)
      if (full || halted) window.cut(clock)
      const sent = number
      lateNs = Math.max(0, now - due)
      while (!isOver() && due < window.endNs) {
        window.unsent.add(Math.max(due, startNs))
        come()
      }
      window.close(number)
      bells.ringAll()
      return sent === number ? 0 : lateNs
    }
    lateNs = now - due
    const last = Math.min(number + TOGETHER, head + places)
    do {
      ring.put(number, due, now)
      come()
      over = isOver()
    } while (!over && due <= now && number < last)
    if (over) window.end(number, now)
    ring.publish(number)
    bells.queued(number)
  }
  if (window.sent === Number.POSITIVE_INFINITY) window.end(0, 0)
  window.close(number)
  bells.ringAll()
  return lateNs
}

import type { Clients } from '../scenario/clients.js'
import type { Answers } from './answers.js'
import { Marks } from './marks.js'
import { type Outlet, type Pace, sleepNs, TOGETHER } from './pacing.js'
import { SLEEP_NS } from './rest.js'
import { AHEAD_NS } from './window.js'

/** Where the requests of clients go, and where their answers come from. */
export interface LoopOutlet extends Outlet {
  answers: Answers
}

/**
 * Sends the requests of a closed loop: each client's is due when it has thought about its last answer, which servers
 * tell as they have it. How much later it is sent is the generator's lag; hearing of the answer late is part of it.
 *
 * By number the window ends when one more request would be due. By time, what is due before the stop is sent if it is
 * known when the stop has come.
 *
 * @param aheadNs how far ahead a moment is set that no other thread may have passed; 0 where none can have
 * @returns how late the newest request was sent
 */
export function sendInLoop(
  clients: Clients,
  stop: { requests: number; ns: number },
  { ring, bells, window, queue, answers }: LoopOutlet,
  { clock, rest, spinNs }: Pace,
  aheadNs = AHEAD_NS,
): number {
  const marks = new Marks(window, stop, clock, aheadNs)
  const answered = (client: number, atNs: number) => clients.think(client, atNs)
  let number = 0
  let lateNs = 0
  let newsNs = 0
  let followNs = Number.POSITIVE_INFINITY

  for (;;) {
    const news = answers.take(answered)
    const now = clock()
    if (news) newsNs = now
    const due = clients.nextDue
    const stopNs = window.endsEarly ? window.endNs : stop.ns
    if (now >= window.drainNs) break
    if (window.halted) {
      window.cut(clock)
      break
    }
    if (due <= now && due < stopNs) {
      if (number >= stop.requests) {
        marks.end(due)
        break
      }
      lateNs = now - due
      const last = Math.min(number + TOGETHER, stop.requests)
      for (let next = due; next <= now && next < stopNs && number < last; next = clients.nextDue) {
        ring.put(number, next, now)
        ring.putClient(number, clients.send(next))
        marks.reach(number, next)
        window.arrive(number, next)
        number++
      }
      if (number === stop.requests) {
        window.drainFrom(now)
        window.end(number, now)
      }
      ring.publish(number)
      bells.queued(number)
      if (queue !== undefined) followNs = queue.follow(aheadNs + 1)
      continue
    }
    if (now >= stopNs) break
    if (now >= followNs && queue !== undefined) {
      followNs = queue.follow(aheadNs + 1)
      continue
    }
    const leftNs = Math.min(due, stopNs, followNs, window.drainNs) - now
    // an answer that is near would come before one who sleeps is awake
    const nearNs = newsNs + spinNs - now
    const sleep = nearNs > 0 ? 0 : sleepNs(leftNs, spinNs)
    if (sleep > 0) rest.sleep(Math.min(sleep, SLEEP_NS))
    else rest.spin(nearNs > 0 ? Math.min(leftNs, nearNs) : leftNs, now)
  }
  if (number < stop.requests) window.end(number, Math.min(stop.ns, window.endNs, clock()))
  window.close(number)
  bells.ringAll()
  return lateNs
}

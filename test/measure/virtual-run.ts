import { Answers } from '../../src/measure/answers.js'
import { type Batch, emptyBatch } from '../../src/measure/batch.js'
import { Bells } from '../../src/measure/bells.js'
import type { Ledger } from '../../src/measure/ledger.js'
import { type Limits, limitsOf, shareLimits } from '../../src/measure/limits.js'
import { sendInLoop } from '../../src/measure/loop.js'
import type { Fate } from '../../src/measure/losses.js'
import { measurable } from '../../src/measure/measurable.js'
import { send } from '../../src/measure/pacing.js'
import { planOf, planOfLoop } from '../../src/measure/plan.js'
import { newQueueBuffer, Queue } from '../../src/measure/queue.js'
import { Ring, ringBytes } from '../../src/measure/ring.js'
import { Window } from '../../src/measure/window.js'
import { policyOf } from '../../src/scenario/batching.js'
import { Clients } from '../../src/scenario/clients.js'
import { normalise, type ScenarioParts } from '../../src/scenario/scenario.js'
import { schedule } from '../../src/scenario/schedule.js'

/** How threads behave in virtual time, in whole nanoseconds. */
export interface Threads {
  /** from a batch's start to its end */
  service(size: number): number
  /** how long a woken server takes to look, and from its look to its start, and from its end to its next look */
  delay(): number
  /** from the stamp of a request to its being seen */
  publishing(): number
  /** which of the requests of a run fail */
  fails?(number: number): boolean
  /** how many requests may wait */
  places?: number
  /** how far ahead of the generator's time a loop sets the moments that all go by; 0 where nobody can have passed it */
  aheadNs?: number
}

export interface Served {
  server: number
  /** its requests' numbers */
  requests: number[]
  size: number
  freeNs: number
  leaveNs: number
  cause: string
  startNs: number
  endNs: number
  /** when its server looked again */
  backNs: number
  due: number[]
  queued: number[]
}

/** A request that left the queue unserved. */
export interface Lost {
  fate: Fate
  number: number
  dueNs: number
  /** when it was queued, if it was let in at all */
  atNs: number
}

/**
 * The measuring engine without its threads: generator and servers take turns in virtual time, on the very code that
 * threads run. Nobody looks unless rung for or at the time that it was told, so that a lost wake-up leaves requests.
 */
export function runInVirtualTime(given: ScenarioParts, threads: Threads, ledgers?: Ledger[]) {
  const scenario = measurable(normalise({ handler: 'none.js', ...given }, 'measure'))
  const servers = scenario.servers as number
  const policy = policyOf(scenario.batching)
  const { arrivals } = scenario
  const plan = arrivals.process === 'closed' ? planOfLoop({ ...scenario, arrivals }) : planOf({ ...scenario, arrivals })
  const window = Window.of(plan)
  const ring = new Ring(new SharedArrayBuffer(ringBytes(threads.places ?? 1024, arrivals.process === 'closed')))
  const bells = new Bells(servers)
  // the servers are there before the first request
  let now = -1
  const clock = () => now
  const buffer = newQueueBuffer(servers)
  const answers =
    arrivals.process === 'closed' ? new Answers(new SharedArrayBuffer(Answers.bytes(arrivals.clients))) : null
  const lost: Lost[] = []
  const shared = shareLimits(scenario, plan.segments.length)
  const own = shared === null ? null : limitsOf(shared, window, answers)
  const limits: Limits | null = own && {
    ...own,
    lose: (fate, number, dueNs, atNs, client) => {
      lost.push({ fate, number, dueNs, atNs })
      own.lose(fate, number, dueNs, atNs, client)
    },
  }
  const queueOf = () => new Queue(buffer, policy, ring, bells, window, clock, limits)
  const lookers = Array.from({ length: servers }, queueOf)
  const limited = own && { queue: queueOf(), losses: own.losses }
  const most = Math.min(policy.maxBatchSize, ring.places)
  const batches =
    ledgers?.map(({ batch }) => batch) ?? Array.from({ length: servers }, () => emptyBatch(new Float64Array(most)))

  const served: Served[] = []
  const current: (Served | null)[] = Array.from({ length: servers }, () => null)
  /** when each server looks next; asleep where it does so only when rung for */
  const lookAt = new Float64Array(servers).fill(-1)
  const asleep = Array.from({ length: servers }, () => false)
  const ended = Array.from({ length: servers }, () => false)

  const look = (server: number) => {
    const batch = batches[server] as Batch
    const looker = lookers[server] as Queue
    const last = current[server]
    if (last) {
      last.backNs = now
      current[server] = null
    }
    if (now >= window.drainNs) {
      ended[server] = true
      lookAt[server] = Number.POSITIVE_INFINITY
    } else if (looker.take(server, batch, last?.endNs ?? -1)) {
      batch.startNs = now + threads.delay()
      batch.endNs = batch.startNs + threads.service(batch.size)
      const one: Served = {
        server,
        requests: [...batch.numbers.subarray(0, batch.size)],
        size: batch.size,
        freeNs: batch.freeNs,
        leaveNs: batch.leaveNs,
        cause: batch.cause,
        startNs: batch.startNs,
        endNs: batch.endNs,
        backNs: Number.POSITIVE_INFINITY,
        due: [...batch.dueNs.subarray(0, batch.size)],
        queued: [...batch.queuedNs.subarray(0, batch.size)],
      }
      served.push(one)
      current[server] = one
      lookAt[server] = batch.endNs + threads.delay()
      ledgers?.[server]?.begin()
    } else if (looker.finished) {
      ended[server] = true
      lookAt[server] = Number.POSITIVE_INFINITY
    } else {
      bells.lieDown(server)
      if (looker.changed) {
        bells.rise(server)
        lookAt[server] = now + threads.delay()
      } else {
        asleep[server] = true
        lookAt[server] = looker.lookAgainNs + threads.delay()
      }
    }
  }

  const answer = () => {
    for (let server = 0; server < servers; server++) {
      if (!asleep[server]) continue
      // rung for, where it is up already
      if (bells.rise(server)) bells.lieDown(server)
      else {
        asleep[server] = false
        lookAt[server] = Math.min(lookAt[server] as number, now + threads.delay())
      }
    }
  }

  /** Lets the servers do all that they do before this time. */
  const runTo = (givenNs: number, listens = false) => {
    let untilNs = givenNs
    for (;;) {
      answer()
      // who hears of an answer is there when all that is done at this instant is
      if (listens && answers?.some) untilNs = Math.min(untilNs, now)
      let next = 0
      for (let server = 1; server < servers; server++) {
        const [at, soonest] = [lookAt[server] as number, lookAt[next] as number]
        // at one instant, completions come before timers
        if (at < soonest || (at === soonest && current[next] === null)) next = server
      }
      const at = lookAt[next] as number
      if (at > untilNs || at === Number.POSITIVE_INFINITY) return
      if (at > now) now = at
      // and arrivals between the two
      if (at === untilNs && current[next] === null) return
      if (asleep[next]) {
        bells.rise(next)
        asleep[next] = false
      }
      if (current[next]) {
        if (ledgers) finish(ledgers[next] as Ledger)
        const { clients, size, endNs } = batches[next] as Batch
        answers?.tell(clients, size, endNs)
      }
      look(next)
    }
  }

  const finish = (ledger: Ledger) => {
    const { numbers, size } = ledger.batch
    const failed = Uint8Array.from(numbers.subarray(0, size), (number) => (threads.fails?.(number) ? 1 : 0))
    const failures = failed.reduce((sum, each) => sum + each, 0)
    ledger.end(window, failures === 0 ? null : failed, failures)
  }

  // publishing takes time, in which servers may look
  const publish = ring.publish.bind(ring)
  ring.publish = (tail) => {
    const delay = threads.publishing()
    if (delay > 0) runTo(now + delay - 1)
    now += delay
    publish(tail)
  }
  const sleep = (ns: number) => {
    const until = now + ns
    runTo(until, true)
    if (!answers?.some) now = Math.max(now, until)
  }
  runTo(-0.5)
  now = 0
  const outlet = { ring, bells, window, ...(limited && { queue: limited.queue }) }
  const pace = { clock, rest: { sleep, spin: () => {} }, spinNs: 0 }
  if (arrivals.process !== 'closed') send(schedule(arrivals, scenario.seed), plan.stop, outlet, pace)
  else {
    const loop = { ...outlet, answers: answers as Answers }
    sendInLoop(new Clients(arrivals, scenario.seed), plan.stop, loop, pace, threads.aheadNs ?? 0)
  }
  runTo(Number.MAX_VALUE)
  // as the queue sees them: none was sent a second time into the same place
  const sent = Array.from({ length: window.sent }, (_, i) => ({ dueNs: ring.dueNs(i), queuedNs: ring.queuedNs(i) }))
  return { scenario, plan, sent, window, ring, limited, served, lost, nowNs: now, allEnded: ended.every(Boolean) }
}

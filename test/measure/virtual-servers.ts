import { booksOf } from '../../src/measure/account.js'
import { Bells } from '../../src/measure/bells.js'
import type { EventLoop } from '../../src/measure/event-loop.js'
import { type Flight, SERVED } from '../../src/measure/flight.js'
import { Ledger } from '../../src/measure/ledger.js'
import { LocalServers } from '../../src/measure/local-servers.js'
import { measurable } from '../../src/measure/measurable.js'
import { send } from '../../src/measure/pacing.js'
import { planOf } from '../../src/measure/plan.js'
import { Ring, ringBytes } from '../../src/measure/ring.js'
import { Window } from '../../src/measure/window.js'
import { policyOf } from '../../src/scenario/batching.js'
import { normalise, type ScenarioParts } from '../../src/scenario/scenario.js'
import { schedule } from '../../src/scenario/schedule.js'

/** How an event loop and what it serves behave in virtual time, in whole nanoseconds. */
export interface Behaviour {
  /** from a batch's start to its end; Infinity for never */
  service(size: number): number
  /** from the bell to its being heard */
  hearing(): number
  /** from the stamp of a request to its being seen */
  publishing(): number
  batchTimeoutMs?: number
}

export interface Flown {
  requests: number[]
  freeNs: number
  leaveNs: number
  startNs: number
  endNs: number
  due: number[]
  queued: number[]
}

interface Event {
  at: number
  /** at one instant, completions come before arrivals, and timers after them */
  timer: boolean
  callback: () => void
}

/**
 * Servers in this process without a process: generator and event loop take turns in virtual time, on the very code of a
 * measurement. It looks at the queue only when the bell, a completion or its own timer has it do so, so that a lost
 * wake-up leaves requests.
 */
export function flyInVirtualTime(given: ScenarioParts, behaviour: Behaviour, unlimited = false) {
  const target = unlimited
    ? { http: { url: 'http://127.0.0.1/', batch: true } as const }
    : { handler: (batch: number[]) => batch }
  const scenario = measurable(normalise({ ...given, ...target, servers: unlimited ? null : given.servers }, 'measure'))
  const policy = policyOf(scenario.batching)
  const { arrivals } = scenario
  if (arrivals.process === 'closed') throw new Error('these are servers of open arrivals')
  const plan = planOf({ ...scenario, arrivals })
  const window = Window.of(plan)
  const ring = new Ring(new SharedArrayBuffer(ringBytes(1024)))
  // no batch is larger than the ring
  const most = Math.min(policy.maxBatchSize, ring.places)
  const bytes = Ledger.bytes(most, plan.segments.length)
  const ledger = new Ledger(new SharedArrayBuffer(bytes), most, plan.segments.length)
  let now = -1
  let rung = false
  const bells = new Bells(1, undefined, () => {
    rung = true
  })

  const events: Event[] = []
  const after = (at: number, timer: boolean, callback: () => void) => {
    const event = { at, timer, callback }
    events.push(event)
    return () => {
      const place = events.indexOf(event)
      if (place >= 0) events.splice(place, 1)
    }
  }
  const soon: (() => void)[] = []
  const settle = () => {
    for (let next = soon.shift(); next !== undefined; next = soon.shift()) next()
  }
  const loop: EventLoop = {
    clock: () => now,
    soon: (callback) => soon.push(callback),
    turn: (callback) => after(now, false, callback),
    at: (ns, callback) => after(ns, true, callback),
  }

  const flown: Flown[] = []
  const serve = (flight: Flight) => {
    const { batch } = flight
    const one = {
      requests: [...batch.numbers.subarray(0, batch.size)],
      freeNs: batch.freeNs,
      leaveNs: batch.leaveNs,
      startNs: batch.startNs,
      endNs: Number.POSITIVE_INFINITY,
      due: [...batch.dueNs.subarray(0, batch.size)],
      queued: [...batch.queuedNs.subarray(0, batch.size)],
    }
    flown.push(one)
    const end = now + behaviour.service(batch.size)
    if (end === Number.POSITIVE_INFINITY) return
    after(end, false, () => {
      one.endNs = now
      flight.end(SERVED)
    })
  }
  let ended = false
  const servers = new LocalServers(
    {
      servers: scenario.servers,
      policy,
      idle: 'sleep',
      ring,
      bells,
      window,
      ledger,
      observations: null,
      target: { took: 'it took', payload: () => undefined, serve, close: async () => {} },
      timeout: { ms: behaviour.batchTimeoutMs ?? 1e6, option: 'batchTimeout' },
      loop,
    },
    () => {
      ended = true
    },
  )

  /** Lets the event loop do all that it does before this time. */
  const runTo = (untilNs: number) => {
    for (;;) {
      settle()
      if (rung) {
        rung = false
        const hearing = behaviour.hearing()
        if (hearing === 0) servers.wake()
        else after(now + hearing, false, () => servers.wake())
        continue
      }
      const next = events.reduce<Event | null>(
        (a, b) => (a === null || b.at < a.at || (b.at === a.at && a.timer && !b.timer) ? b : a),
        null,
      )
      if (next === null || next.at > untilNs || (next.at === untilNs && next.timer)) return
      events.splice(events.indexOf(next), 1)
      now = Math.max(now, next.at)
      next.callback()
    }
  }
  // publishing takes time, in which the event loop goes on
  const publish = ring.publish.bind(ring)
  ring.publish = (tail) => {
    const delay = behaviour.publishing()
    if (delay > 0) runTo(now + delay - 1)
    now += delay
    publish(tail)
  }
  const sleep = (ns: number) => {
    const until = now + ns
    runTo(until)
    now = Math.max(now, until)
  }
  servers.start()
  settle()
  now = 0
  const next = schedule(arrivals, scenario.seed)
  send(next, plan.stop, { ring, bells, window }, { clock: loop.clock, rest: { sleep, spin: () => {} }, spinNs: 0 })
  runTo(Number.MAX_VALUE)
  const books = { ...booksOf(window, ring, [ledger]), serving: () => servers.serving() }
  return { scenario, window, flown, books, nowNs: now, ended, left: events.length, failure: servers.failure }
}

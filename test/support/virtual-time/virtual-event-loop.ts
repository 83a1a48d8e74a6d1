import type { EventLoop } from '../../../src/measure/clock/event-loop.js'
import { checkMeasurable } from '../../../src/measure/measurable.js'
import { type Plan, planInSteps } from '../../../src/measure/plan.js'
import { PLACES } from '../../../src/measure/queue/waiting-room.js'
import type { ServerStats } from '../../../src/measure/recording/server-stats.js'
import { SharedMemory } from '../../../src/measure/recording/shared-memory.js'
import { type InFlightBatch, SERVED } from '../../../src/measure/servers/in-flight-batch.js'
import { LocalServers } from '../../../src/measure/servers/local-servers.js'
import { resolveScenario, type ScenarioParts } from '../../../src/scenario/scenario.js'

/** The plan of a run of open arrivals. */
export function planOf(...[scenario, shard]: Parameters<typeof planInSteps>): Plan {
  const planning = planInSteps(scenario, shard)
  for (;;) {
    const { done, value } = planning.next()
    if (done) return value
  }
}

/** How an event loop and what it serves behave in virtual time, in whole nanoseconds. */
export interface Behaviour {
  /** from a batch's start to its end; Infinity for never */
  service(size: number): number
  /** how late the event loop's timers are */
  lateness(): number
  batchTimeoutMs?: number
  /** in how many segments requests are counted: each takes memory */
  segments?: number
  /** from a batch's start to the beginning of the response to its request `i`; Infinity if it has none */
  first?(i: number): number
  /** from a batch's start to the later events of the response to its request `i` */
  later?(i: number): number[]
}

export interface Flown {
  requests: number[]
  freeNs: number
  leaveNs: number
  startNs: number
  endNs: number
  /** when the response to each of its requests began; Infinity if it has none */
  firstNs: number[]
  /** when the later events of each response came */
  laterNs: number[][]
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
 * Runs the servers of a measurement on an event loop in virtual time. They check the queue only after a completion or at
 * their own timer, so that a wrong timer leaves requests behind.
 */
export function serveInVirtualTime(given: ScenarioParts, behaviour: Behaviour, unlimited = false) {
  const target = unlimited
    ? { http: { url: 'http://127.0.0.1/', batch: true } as const }
    : { handler: (batch: number[]) => batch }
  const scenario = checkMeasurable(
    resolveScenario({ ...given, ...target, servers: unlimited ? null : given.servers }, 'measure'),
  )
  const { arrivals } = scenario
  if (arrivals.process === 'closed') throw new Error('these are servers of open arrivals')
  const plan = planOf({ ...scenario, arrivals })
  plan.segments = plan.segments.slice(0, behaviour.segments)
  const memory = SharedMemory.allocate(scenario, plan, 1, { waiting: 1023 })
  const window = memory.window()
  const [stats] = memory.stats()
  let now = -1

  const events: Event[] = []
  const after = (at: number, timer: boolean, callback: () => void) => {
    const event = { at, timer, callback }
    events.push(event)
    return () => {
      const place = events.indexOf(event)
      if (place >= 0) events.splice(place, 1)
    }
  }
  const microtasks: (() => void)[] = []
  const loop: EventLoop = {
    clock: () => now,
    microtask: (callback) => microtasks.push(callback),
    macrotask: (callback) => after(now, false, callback),
    at: (ns, callback) => after(ns + behaviour.lateness(), true, callback),
    after: (ns, callback) => after(ns + behaviour.lateness(), true, callback),
  }
  const queue = memory.queue(window, loop.clock)

  const flown: Flown[] = []
  const serve = (inFlight: InFlightBatch) => {
    const { batch } = inFlight
    const one = {
      requests: [...batch.numbers.subarray(0, batch.size)],
      freeNs: batch.freeNs,
      leaveNs: batch.leaveNs,
      startNs: batch.startNs,
      endNs: Number.POSITIVE_INFINITY,
      firstNs: [...batch.numbers.subarray(0, batch.size)].map((_, i) => now + (behaviour.first?.(i) ?? Infinity)),
      laterNs: [...batch.numbers.subarray(0, batch.size)].map((_, i) =>
        (behaviour.later?.(i) ?? []).map((ns) => now + ns),
      ),
      due: [...batch.dueNs.subarray(0, batch.size)],
      queued: [...batch.queuedNs.subarray(0, batch.size)],
    }
    flown.push(one)
    one.firstNs.forEach((at, i) => {
      if (at < Number.POSITIVE_INFINITY) after(at, false, () => inFlight.first(i))
    })
    one.laterNs.forEach((times, i) => {
      for (const at of times) after(at, false, () => inFlight.next(i))
    })
    const end = now + behaviour.service(batch.size)
    if (end === Number.POSITIVE_INFINITY) return
    after(end, false, () => {
      one.endNs = now
      inFlight.end(SERVED)
    })
  }
  let ended = false
  const servers = new LocalServers(
    {
      servers: scenario.servers,
      largest: Math.min(memory.setup.policy.maxBatchSize, PLACES),
      idle: 'sleep',
      queue,
      window,
      stats: stats as ServerStats,
      observations: null,
      target: { took: 'it took', payload: () => undefined, serve, close: async () => {} },
      timeout: { ms: behaviour.batchTimeoutMs ?? 1e6, option: 'batchTimeout' },
      loop,
    },
    () => {
      ended = true
    },
  )

  servers.start()
  for (;;) {
    for (let next = microtasks.shift(); next !== undefined; next = microtasks.shift()) next()
    const next = events.reduce<Event | null>(
      (a, b) => (a === null || b.at < a.at || (b.at === a.at && a.timer && !b.timer) ? b : a),
      null,
    )
    if (next === null) break
    events.splice(events.indexOf(next), 1)
    now = Math.max(now, next.at)
    next.callback()
  }
  const { classes } = memory
  const state = {
    window,
    queue,
    stats: [stats as ServerStats],
    classes,
    inProcess: true,
    serving: () => servers.serving(),
  }
  return { scenario, window, flown, state, nowNs: now, ended, left: events.length, failure: servers.failure }
}

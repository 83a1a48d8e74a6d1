import type { SimulationEvent } from '../../../src/index.js'

/**
 * A second simulator that follows the definition line by line: a sorted list of events, and objects. It shares
 * no code with the first one. Times are whole milliseconds, so that sums of them are exact.
 *
 * Where the definition is silent, this one decides: of two clients that send at one instant, the one with
 * the lower number goes first; the clients of a closed loop start by thinking; a client whose request is rejected, or
 * times out, has its response at that instant. No further arrival is due after the stop, or while every client
 * that would send before the stop awaits its response from the queue.
 */
export interface NaiveScenario {
  arrivals: { process: 'replay'; timestamps: number[] } | { process: 'closed'; clients: number; thinkTime: number }
  service: { model: 'affine'; base: number; perItem: number; overhead?: Overhead }
  /** the service of a request of a class; a batch takes the mean of what one of its size takes in each request's class */
  serviceOf?: (number: number) => { base: number; perItem: number }
  servers: number
  batching: { maxBatchSize: number | null; maxWait: number | null }
  queue: { capacity: number | null; timeout: number | null }
  stop: { requests: number } | { duration: number }
}

interface Overhead {
  wake: number
  filled: number
  deadline: number
  turnaround: number
}

export interface NaiveRequest {
  number: number
  client: number
  due: number
  /** when it left the queue: with a batch, by its timeout, or at once by rejection */
  left: number
  fate: 'waiting' | 'served' | 'rejected' | 'timed out'
  /** for served requests */
  start: number
  end: number
  /** the parts of the wait: no server idle, some server idle, its server waking */
  queueing: number
  batching: number
  dispatch: number
}

export interface NaiveRun {
  events: SimulationEvent[]
  requests: NaiveRequest[]
}

type Event = { at: number } & (
  | { kind: 'completion'; server: object }
  | { kind: 'arrival'; client: number }
  | { kind: 'deadline' }
  | { kind: 'timeout'; request: NaiveRequest }
)

/** At one instant: completions, then arrivals, then timers, batching before queue timeouts. */
const ORDER = ['completion', 'arrival', 'deadline', 'timeout']

export function naive(scenario: NaiveScenario): NaiveRun {
  const { arrivals, service, batching, queue: limits } = scenario
  const stop = { requests: Number.POSITIVE_INFINITY, duration: Number.POSITIVE_INFINITY, ...scenario.stop }
  const maxBatchSize = batching.maxBatchSize ?? Number.POSITIVE_INFINITY
  const overhead = service.overhead ?? { wake: 0, filled: 0, deadline: 0, turnaround: 0 }

  const emitted: SimulationEvent[] = []
  const requests: NaiveRequest[] = []
  const queue: NaiveRequest[] = []
  const idle: object[] = Array.from({ length: scenario.servers }, (_, server) => ({ server }))
  /** the number of idle servers over time */
  const idleness: { at: number; idle: number }[] = [{ at: 0, idle: idle.length }]
  const events: Event[] = []

  function plan(event: Event): void {
    events.push(event)
    // sorting is stable: of equal events, the first planned is handled first
    events.sort((a, b) => a.at - b.at || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || clientOf(a) - clientOf(b))
  }
  function clientOf(event: Event): number {
    return event.kind === 'arrival' ? event.client : 0
  }
  function isSent(event: Event): boolean {
    return event.kind === 'arrival' && event.at < stop.duration && requests.length < stop.requests
  }

  /** A client has its response: it thinks, and sends again. */
  function answered(client: number, at: number): void {
    if (arrivals.process === 'closed') plan({ at: at + arrivals.thinkTime, kind: 'arrival', client })
  }

  /** How many of the waiting requests leave now, if a server is idle. */
  function leaving(waiting: NaiveRequest[], now: number): number {
    const size = Math.min(waiting.length, maxBatchSize)
    if (size === 0) return 0
    if (size === maxBatchSize) return size
    if (batching.maxWait === null) return events.some(isSent) ? 0 : size
    return now - (waiting[0] as NaiveRequest).due >= batching.maxWait ? size : 0
  }

  function letLeave(now: number, cause: Event['kind']): void {
    for (;;) {
      const server = idle[0]
      if (server === undefined) return
      const size = leaving(queue, now)
      if (size === 0) return

      const filled = cause === 'arrival' && size === maxBatchSize && size > 1
      const dispatch =
        cause === 'completion'
          ? overhead.turnaround
          : cause === 'deadline'
            ? overhead.deadline
            : filled
              ? overhead.filled
              : overhead.wake
      const start = now + dispatch
      const batch = queue.splice(0, size)
      const times = batch.map(({ number }) => {
        const { base, perItem } = scenario.serviceOf?.(number) ?? service
        return base + perItem * size
      })
      const end = start + times.reduce((sum, time) => sum + time, 0) / size
      emitted.push({ type: 'batch', startMs: start, endMs: end, requests: batch.map((request) => request.number) })
      for (const request of batch) {
        request.fate = 'served'
        request.left = now
        request.start = start
        request.end = end
        request.dispatch = dispatch
        answered(request.client, end)
      }
      idle.shift()
      idleness.push({ at: now, idle: idle.length })
      plan({ at: end, kind: 'completion', server })
    }
  }

  function arrive(client: number, now: number): void {
    const request: NaiveRequest = {
      number: requests.length,
      client,
      due: now,
      left: now,
      fate: 'waiting',
      start: Number.NaN,
      end: Number.NaN,
      queueing: 0,
      batching: 0,
      dispatch: 0,
    }
    requests.push(request)

    const leavesAtOnce = idle.length > 0 && leaving([...queue, request], now) > 0
    if (!leavesAtOnce && limits.capacity !== null && queue.length >= limits.capacity) {
      request.fate = 'rejected'
      emitted.push({ type: 'reject', atMs: now, request: request.number })
      answered(client, now)
      return
    }
    queue.push(request)
    if (batching.maxWait !== null) plan({ at: now + batching.maxWait, kind: 'deadline' })
    if (limits.timeout !== null) plan({ at: now + limits.timeout, kind: 'timeout', request })
  }

  if (arrivals.process === 'replay') for (const at of arrivals.timestamps) plan({ at, kind: 'arrival', client: 0 })
  else for (let client = 0; client < arrivals.clients; client++) answered(client, 0)

  for (;;) {
    const event = events.shift()
    if (event === undefined) break
    const now = event.at
    if (event.kind === 'completion') {
      idle.push(event.server)
      idleness.push({ at: now, idle: idle.length })
    } else if (event.kind === 'arrival') {
      if (isSent(event)) arrive(event.client, now)
    } else if (event.kind === 'timeout' && event.request.fate === 'waiting') {
      event.request.fate = 'timed out'
      event.request.left = now
      queue.splice(queue.indexOf(event.request), 1)
      emitted.push({ type: 'timeout', atMs: now, request: event.request.number })
      answered(event.request.client, now)
    }
    letLeave(now, event.kind)
  }

  for (const request of requests) {
    for (let i = 0; i < idleness.length; i++) {
      const { at, idle } = idleness[i] as { at: number; idle: number }
      const until = idleness[i + 1]?.at ?? Number.POSITIVE_INFINITY
      const overlap = Math.max(0, Math.min(request.left, until) - Math.max(request.due, at))
      if (idle > 0) request.batching += overlap
      else request.queueing += overlap
    }
  }
  return { events: emitted, requests }
}

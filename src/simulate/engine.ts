import type { Recording } from '../result/recording.js'
import { SEGMENTS } from '../result/recording.js'
import type { Finding } from '../result/validity.js'
import { deadline, decide, type Policy, policyOf } from '../scenario/batching.js'
import { ScenarioError } from '../scenario/error.js'
import { extentNs, type NormalScenario } from '../scenario/scenario.js'
import { type Schedule, schedule } from '../scenario/schedule.js'
import { LONGEST_NS, NS_PER_MS, nanoseconds } from '../scenario/units.js'
import { Clients } from './clients.js'
import { type Dispatch, type Model, modelOf } from './model.js'
import { Queue } from './queue.js'
import { Recorder } from './recorder.js'
import { Servers } from './servers.js'

/** What happened to requests in a simulation, in order; requests are numbered from 0. */
export type SimulationEvent =
  | { type: 'batch'; startMs: number; endMs: number; requests: number[] }
  | { type: 'reject' | 'timeout'; atMs: number; request: number }

const NEVER = Number.POSITIVE_INFINITY

/**
 * The virtual-clock engine. Time jumps from event to event, in whole nanoseconds; at one instant completions come
 * before arrivals and arrivals before timers, and each event is handled fully, with the batches that it lets go.
 */
export class Engine {
  readonly #scenario: NormalScenario
  readonly #policy: Policy
  readonly #model: Model
  readonly #clients: Clients | null
  readonly #schedule: Schedule | null
  readonly #capacity: number
  readonly #timeoutNs: number
  readonly #onEvent: ((event: SimulationEvent) => void) | undefined

  readonly #queue = new Queue()
  readonly #servers: Servers
  readonly #recorder = new Recorder()

  /** the next arrival */
  #due: number
  /** how many requests have been due */
  #number = 0
  #ended = false
  readonly #stop: { requests: number; ns: number }
  readonly #warmup: { requests: number; ns: number }

  /** for how long some server has been idle: the part of a wait that is the batch's forming, not queueing */
  #idleNs = 0
  #idleSince = 0
  readonly #splitsWait: boolean

  #inWindow = false
  #windowNs = { start: 0, end: 0 }
  #inSystemAtStart = 0
  #nextMarkNs: number
  #nextMarkNumber: number
  #marks = 0
  #inSystem = 0
  #inSystemNs = 0
  #lastChangeNs = 0
  #completions = 0
  #servingNs = 0
  #staysNs = 0

  constructor(scenario: NormalScenario, onEvent?: (event: SimulationEvent) => void, replication = 0) {
    const { arrivals, seed } = scenario
    if (scenario.service === undefined) throw new ScenarioError('service', 'is required to simulate')
    this.#scenario = scenario
    this.#policy = policyOf(scenario.batching)
    this.#model = modelOf(scenario.service, seed, replication)
    this.#clients = arrivals.process === 'closed' ? new Clients(arrivals, seed, replication) : null
    this.#schedule = arrivals.process === 'closed' ? null : schedule(arrivals, seed, replication)
    this.#capacity = scenario.queue.capacity ?? NEVER
    this.#timeoutNs = scenario.queue.timeout === null ? NEVER : nanoseconds(scenario.queue.timeout)
    this.#onEvent = onEvent
    this.#servers = new Servers(scenario.servers)
    this.#stop = extentNs(scenario.stop)
    this.#warmup = extentNs(scenario.warmup)
    this.#splitsWait = this.#policy.maxBatchSize > 1 && this.#policy.maxWaitNs > 0
    this.#nextMarkNs = this.#warmup.ns
    this.#nextMarkNumber = this.#warmup.requests
    this.#due = this.#schedule?.() ?? this.#clients?.nextDue ?? NEVER
  }

  /** Runs to the end, or until `goOn`, asked every so many requests, returns false. */
  run(goOn?: (requests: number, nowMs: number) => boolean): Recording {
    const servers = this.#servers
    const queue = this.#queue
    let asked = 0
    if (this.#nextMarkNumber === 0) this.#mark(0)
    for (;;) {
      const done = servers.nextDone
      const due = this.#due
      const timer = servers.idle > 0 && queue.length > 0 ? deadline(this.#policy, queue.due(queue.head)) : NEVER
      const timeout = this.#timeoutNs < NEVER && queue.length > 0 ? queue.due(queue.head) + this.#timeoutNs : NEVER

      let now = done
      if (due < now) now = due
      if (timer < now) now = timer
      if (timeout < now) now = timeout
      if (now >= this.#nextMarkNs && this.#nextMarkNs < NEVER) {
        this.#mark(this.#nextMarkNs)
        continue
      }
      if (now === NEVER) break
      if (now > LONGEST_NS) throw new ScenarioError('stop', 'the run went past 2^53 ns (104 days); ask for less')

      if (now === done) this.#complete(now)
      else if (now === due) {
        this.#arrive(now)
        if (goOn !== undefined && ++asked === 65_536) {
          asked = 0
          if (!goOn(this.#number, now / NS_PER_MS)) this.#stopNow()
        }
      } else if (now === timer) this.#leave(now, 'deadline')
      else this.#timeOut(now)
    }
    if (this.#inWindow) this.#closeWindow(this.#lastChangeNs)
    return this.#recording()
  }

  #complete(now: number): void {
    const size = this.#servers.done()
    if (this.#servers.idle === 1) this.#idleSince = now
    this.#changeInSystem(now, -size)
    if (this.#inWindow) this.#completions += size
    this.#leave(now, 'turnaround')
  }

  #arrive(now: number): void {
    if (this.#isOver(now)) {
      // the stop: what would be due now is not sent
      if (this.#inWindow && this.#stop.ns === NEVER) this.#closeWindow(now)
      this.#setDue(NEVER)
      return
    }
    if (this.#number === this.#nextMarkNumber) this.#mark(now)
    const number = this.#number++
    const client = this.#clients === null ? 0 : this.#clients.send()
    this.#setDue(this.#schedule === null ? this.#nextSend() : this.#schedule())
    this.#recorder.arrived()

    const queue = this.#queue
    // one that can leave at once, or that makes a batch leave, needs no place
    const full = queue.length >= this.#capacity
    if (
      full &&
      (this.#servers.idle === 0 ||
        decide(this.#policy, queue.length + 1, queue.length > 0 ? queue.due(queue.head) : now, now, this.#ended) === 0)
    ) {
      this.#recorder.rejected()
      this.#onEvent?.({ type: 'reject', atMs: now / NS_PER_MS, request: number })
      this.#answer(client, now)
      // the last arrival may have been what a forming batch waited for
      if (this.#ended) this.#leave(now, 'wake')
      return
    }
    queue.push(now, number, this.#idleSoFar(now), client)
    this.#changeInSystem(now, 1)
    this.#leave(now, queue.length >= this.#policy.maxBatchSize && this.#splitsWait ? 'filled' : 'wake')
  }

  /** The oldest request has waited as long as it may. */
  #timeOut(now: number): void {
    const queue = this.#queue
    const position = queue.head
    if (position >= this.#recorder.nextPosition) this.#recorder.advance(position)
    this.#recorder.timedOut()
    this.#onEvent?.({ type: 'timeout', atMs: now / NS_PER_MS, request: queue.number(position) })
    if (this.#inWindow) this.#staysNs += now - queue.due(position)
    queue.head++
    this.#changeInSystem(now, -1)
    this.#answer(queue.client(position), now)
  }

  /** Lets batches leave for as long as a server is idle and the policy says so. */
  #leave(now: number, cause: Dispatch): void {
    const queue = this.#queue
    const servers = this.#servers
    while (servers.idle > 0 && queue.length > 0) {
      const size = decide(this.#policy, queue.length, queue.due(queue.head), now, this.#ended)
      if (size === 0) return
      this.#start(size, now, cause)
    }
  }

  #start(size: number, now: number, cause: Dispatch): void {
    const { dispatchNs } = this.#model
    const dispatch = dispatchNs === null ? 0 : dispatchNs[cause]()
    const service = this.#model.serviceNs(size)
    const start = now + dispatch
    const end = start + service
    const queue = this.#queue
    const recorder = this.#recorder
    const head = queue.head
    const idleSoFar = this.#idleSoFar(now)
    if (this.#onEvent !== undefined) this.#tellBatch(size, start, end)

    let counted = 0
    let stays = 0
    for (let position = head; position < head + size; position++) {
      if (position >= recorder.nextPosition) {
        if (counted > 0) this.#recordBatch(service, dispatch, counted)
        counted = 0
        recorder.advance(position)
      }
      counted++
      const due = queue.due(position)
      const batching = this.#splitsWait ? idleSoFar - queue.idleNs(position) : 0
      recorder.served(end - due, start - due, now - due - batching, batching)
      stays += end - due
      if (this.#clients !== null) this.#clients.think(queue.client(position), end)
    }
    this.#recordBatch(service, dispatch, counted)
    queue.head = head + size
    if (this.#clients !== null) this.#setDue(this.#nextSend())

    this.#servers.take(start, end, size)
    if (this.#servers.idle === 0) this.#idleNs += now - this.#idleSince
    if (this.#inWindow) {
      this.#staysNs += stays
      this.#servingNs += service
      recorder.batch(size)
    }
  }

  #recordBatch(service: number, dispatch: number, requests: number): void {
    this.#recorder.tallies.service.record(service, requests)
    if (dispatch > 0) this.#recorder.tallies.dispatch.record(dispatch, requests)
  }

  #tellBatch(size: number, start: number, end: number): void {
    const { head } = this.#queue
    const requests = Array.from({ length: size }, (_, i) => this.#queue.number(head + i))
    this.#onEvent?.({ type: 'batch', startMs: start / NS_PER_MS, endMs: end / NS_PER_MS, requests })
  }

  /** A client that was turned away thinks and sends again. */
  #answer(client: number, now: number): void {
    if (this.#clients === null) return
    this.#clients.think(client, now)
    this.#setDue(this.#nextSend())
  }

  #setDue(due: number): void {
    this.#due = due
    this.#ended = this.#isOver(due)
  }

  #nextSend(): number {
    return this.#stopped ? NEVER : (this.#clients as Clients).nextDue
  }

  #stopped = false
  #stopNow(): void {
    this.#stop.requests = this.#number
    this.#stop.ns = NEVER
    this.#stopped = true
  }

  #isOver(due: number): boolean {
    return due >= this.#stop.ns || this.#number >= this.#stop.requests || due === NEVER
  }

  #idleSoFar(now: number): number {
    return this.#servers.idle > 0 ? this.#idleNs + now - this.#idleSince : this.#idleNs
  }

  #changeInSystem(now: number, by: number): void {
    if (this.#inWindow) this.#inSystemNs += this.#inSystem * (now - this.#lastChangeNs)
    this.#lastChangeNs = now
    this.#inSystem += by
  }

  /** Opens the window, or its next segment, or closes it. */
  #mark(now: number): void {
    this.#changeInSystem(now, 0)
    if (!this.#inWindow) this.#openWindow(now)
    else if (now >= this.#stop.ns) {
      this.#closeWindow(now)
      return
    }
    this.#recorder.open(now, this.#queue.tail, this.#inSystem)
    this.#marks++
    this.#nextMarkNs = NEVER
    this.#nextMarkNumber = NEVER
    // by number where the stop is one of requests, by time where it is one of time
    if (this.#stop.ns < NEVER) {
      const { start } = this.#windowNs
      this.#nextMarkNs = Math.round(start + ((this.#stop.ns - start) * this.#marks) / SEGMENTS)
      return
    }
    const first = this.#firstNumber
    for (; this.#marks < SEGMENTS; this.#marks++) {
      const next = Math.ceil(first + ((this.#stop.requests - first) * this.#marks) / SEGMENTS)
      if (next <= this.#number) continue
      this.#nextMarkNumber = next
      return
    }
  }

  #firstNumber = 0

  #openWindow(now: number): void {
    this.#inWindow = true
    this.#windowNs.start = now
    this.#firstNumber = this.#number
    this.#inSystemAtStart = this.#inSystem
    // what began before counts from now on only
    const left = this.#servers.left(now)
    this.#servingNs = left.servingNs
    this.#staysNs = left.staysNs - this.#waitedSoFar(now)
  }

  #closeWindow(now: number): void {
    this.#changeInSystem(now, 0)
    this.#inWindow = false
    this.#windowNs.end = now
    this.#nextMarkNs = NEVER
    this.#nextMarkNumber = NEVER
    const left = this.#servers.left(now)
    this.#servingNs -= left.servingNs
    this.#staysNs += this.#waitedSoFar(now) - left.staysNs
    this.#recorder.close(now, this.#inSystem)
  }

  /** How long the requests in the queue have waited, added up. */
  #waitedSoFar(now: number): number {
    let waited = 0
    for (let position = this.#queue.head; position < this.#queue.tail; position++)
      waited += now - this.#queue.due(position)
    return waited
  }

  #recording(): Recording {
    const counts = this.#recorder.finish()
    const { tallies, segments, batchSizes } = this.#recorder
    // what nothing took is recorded all the same: lag always, dispatch where none is modelled
    tallies.lag.record(0, counts.completed)
    const undispatched = counts.completed - tallies.dispatch.count
    if (undispatched > 0) tallies.dispatch.record(0, undispatched)
    return {
      engine: 'simulate',
      scenario: this.#scenario,
      startNs: this.#windowNs.start,
      endNs: this.#windowNs.end,
      tallies,
      counts,
      completions: this.#completions,
      batchSizes,
      servingNs: this.#servingNs,
      inSystemNs: this.#inSystemNs,
      staysNs: this.#staysNs,
      inSystemAtStart: this.#inSystemAtStart,
      segments,
      fromSend: null,
      findings: this.#stopped ? [interrupted(this.#number)] : [],
    }
  }
}

function interrupted(requests: number): Finding {
  return {
    code: 'cut-off',
    severity: 'error',
    message: `the run was interrupted after ${requests.toLocaleString('en')} requests`,
    figures: { requests },
  }
}

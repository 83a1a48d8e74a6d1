import { checkOutputs, tookTooLong } from '../../handler/serving.js'
import { deadline, decide, type Policy } from '../../scenario/policy.js'
import { nearest } from '../../scenario/units.js'
import { isError } from '../../validation/realm.js'
import { Aborts } from './aborts.js'
import { BatcherError } from './batcher-error.js'
import { Flight } from './in-flight-batch.js'
import { Line } from './queue.js'
import { Readiness } from './readiness.js'
import type { RecorderSink } from './recorder-sink.js'
import { Request } from './request.js'
import type { Servers } from './servers.js'
import type { Alarm, Time } from './time.js'
import { Timeouts } from './timeouts.js'

const NEVER = Number.POSITIVE_INFINITY
const NS_PER_MS = 1_000_000
/** no limit to a count, as a small integer */
const MANY = 2 ** 30
/** An alarm that rings within so long is let ring though nobody waits. */
const LINGER_NS = 20_000_000
/** When a handler in this process has served for so long, the event loop turns before the next batch. */
const TURN_NS = 5_000_000

/** What a queue and a batch may take; Infinity is no limit. */
export interface Limits {
  capacity: number
  timeoutNs: number
  batchTimeoutNs: number
}

class Closing {
  resolve!: () => void
  reject!: (reason: unknown) => void
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })
}

/**
 * The batching policy on the clock of a live service. As in a simulation, each event is handled fully before the next,
 * in the order that docs/architecture.md gives; calls and completions come as the event loop delivers them. An alarm
 * that rings late changes no decision: a request that had timed out by then is not served, and a batch that could have
 * left before that has left.
 */
export class LiveBatcher {
  #policy: Policy
  readonly #limits: Limits
  readonly #servers: Servers
  readonly #recorder: RecorderSink | null
  readonly #time: Time
  readonly #readiness: Readiness

  readonly #line = new Line()
  readonly #timeouts = new Timeouts()
  readonly #aborts: Aborts
  /** the idle servers, the one idle longest first, and since when each is */
  readonly #idle: number[] = []
  readonly #idleNs: Float64Array
  /** what each server serves, and how many do; and the batches whose handler has not been called yet */
  readonly #flights: (Flight | null)[]
  #flying = 0
  #leaving: Flight[] = []
  /** whether anyone may have given up who has left and is not served yet */
  #anyStray = false
  #inService = 0
  /** how long handlers of this process have served, since the event loop was made to turn */
  #servedNs = 0

  /** nobody asks when a call came, but of who is the first to wait */
  readonly #untimed: boolean
  /** when a call was last told to have come, and whether that was in what runs now */
  #arrivalNs: number
  #arriving = false
  /** so many calls do nothing but join the line, until something else happens or, where they are timed, until then */
  #joining = 0
  #joiningUntilNs = NEVER

  /** in the batcher's own async context: whoever calls, and whatever is called back, a handler is called there */
  readonly #launch: () => void
  readonly #arrived: () => void
  readonly #closeServers: () => Promise<void>
  /** rings at deadlines and timeouts; and when a batch may have taken too long */
  readonly #alarm: Alarm
  readonly #watch: Alarm
  /** whether the process lives until a batch has taken too long, as it does while one is served and nothing else goes on */
  #keepsAlive = false
  /** when closing is given up */
  #giveUpNs = NEVER
  #closing: Closing | null = null
  #closed = false

  /** @param spinNs how long before a deadline the event loop is turned */
  constructor(
    policy: Policy,
    limits: Limits,
    servers: Servers,
    recorder: RecorderSink | null,
    time: Time,
    spinNs: number,
  ) {
    this.#policy = policy
    this.#limits = limits
    this.#servers = servers
    this.#recorder = recorder
    this.#time = time
    this.#launch = time.bind(this.#launchAll)
    this.#arrived = time.bind(this.#allArrived)
    this.#closeServers = time.bind(() => servers.close())
    this.#alarm = time.alarm(this.#ring, spinNs)
    this.#watch = time.alarm(this.#lookAfter, 0)
    this.#watch.keepAlive(false)
    beforeExit(this)
    this.#flights = new Array<Flight | null>(servers.count).fill(null)
    this.#aborts = new Aborts(this.#abort)
    this.#idleNs = new Float64Array(servers.count)
    this.#untimed = recorder === null && limits.timeoutNs === NEVER
    const nowNs = this.#time.now()
    this.#arrivalNs = nowNs
    this.#readiness = new Readiness(servers, time, { ready: this.#prepared, failed: this.#unprepared })
    for (let server = 0; server < servers.count; server++) this.#prepare(server, nowNs)
  }

  get waiting(): number {
    return this.#line.size
  }
  get inService(): number {
    return this.#inService
  }
  get closed(): boolean {
    return this.#closing !== null
  }

  /** @param timeoutNs how long it may wait; undefined for as long as the queue lets it */
  run(input: unknown, signal: AbortSignal | null, timeoutNs: number | undefined): Promise<unknown> {
    if (this.#joining === 0 || signal !== null || timeoutNs !== undefined) return this.#come(input, signal, timeoutNs)
    const recorder = this.#recorder
    let nowNs = this.#arrivalNs
    if (recorder !== null) {
      nowNs = this.#time.now()
      if (nowNs >= this.#joiningUntilNs) return this.#come(input, signal, timeoutNs)
      recorder.arrived(nowNs / NS_PER_MS)
    }
    this.#joining--
    const request = new Request(input, nowNs)
    this.#line.add(request)
    return request.promise()
  }

  #come(input: unknown, signal: AbortSignal | null, timeoutNs: number | undefined): Promise<unknown> {
    if (this.#closing !== null) return Promise.reject(new BatcherError('CLOSED', 'the batcher is closed'))
    if (signal?.aborted) return Promise.reject(signal.reason)
    const line = this.#line
    const mayWaitNs = timeoutNs ?? this.#limits.timeoutNs
    const timed = !this.#untimed || signal !== null || mayWaitNs < NEVER
    const nowNs = timed ? this.#time.now() : this.#arrives()
    this.#recorder?.arrived(nowNs / NS_PER_MS)
    const refusal = this.#refusal(nowNs)
    if (refusal !== null) {
      this.#recorder?.rejected(nowNs / NS_PER_MS)
      return Promise.reject(refusal.error)
    }

    const request = new Request(input, nowNs)
    const promise = request.promise()
    if (signal !== null) this.#aborts.follow(signal, request)
    line.addRemovable(request)
    if (mayWaitNs < NEVER) this.#timeouts.add(request, nowNs + mayWaitNs)
    if (this.#idle.length > 0) this.#checkQueue(nowNs)
    // for who comes behind others it is set already
    if (line.size === 1 || mayWaitNs < NEVER) this.#rest(nowNs)
    this.#joining = this.#mayJoin()
    return promise
  }

  /** Throws why a call that came now would not be taken, and records it as one that was not. */
  admit(): void {
    if (this.#closing !== null) throw new BatcherError('CLOSED', 'the batcher is closed')
    const nowNs = this.#time.now()
    const refusal = this.#refusal(nowNs)
    if (refusal === null) return
    this.#recorder?.arrived(nowNs / NS_PER_MS)
    this.#recorder?.rejected(nowNs / NS_PER_MS)
    throw refusal.error
  }

  /** Why a call that comes now is not taken; null where it is. */
  #refusal(nowNs: number): { error: unknown } | null {
    if (this.#readiness.anyBroken) {
      const failure = this.#readiness.mend(nowNs)
      if (failure !== null) return failure
    }
    if (this.#timeouts.size > 0) this.#timeOutBefore(nowNs)
    const { size } = this.#line
    if (size < this.#limits.capacity || this.#leavesNow(nowNs)) return null
    return { error: new BatcherError('QUEUE_FULL', `the queue is full: ${size} wait`) }
  }

  /** When a call comes of which nobody asks this: reading the clock takes as long as much else of a call. */
  #arrives(): number {
    // it leaves as soon as it can, and nobody gives up before
    if (this.#policy.maxWaitNs === 0 && this.#timeouts.size === 0 && !this.#readiness.anyBroken) return this.#arrivalNs
    if (!this.#arriving) {
      this.#arriving = true
      this.#time.soon(this.#arrived)
    }
    this.#arrivalNs = this.#time.now()
    return this.#arrivalNs
  }

  /**
   * How many calls may come for whom nothing is to be done but to join the line: no server is idle, or one will take
   * them with the first. Untimed, that is for as long as what runs now, before whose end no batch leaves: the first stays
   * first, so that nobody asks when they came.
   */
  #mayJoin(): number {
    const { size, first } = this.#line
    const { capacity, timeoutNs } = this.#limits
    if (timeoutNs < NEVER || this.#timeouts.size > 0 || this.#readiness.anyBroken) return 0
    const { maxBatchSize, maxWaitNs } = this.#policy
    this.#joiningUntilNs = NEVER
    if (this.#idle.length === 0) return this.#untimed && maxWaitNs > 0 ? 0 : roomFor(capacity - size)
    if (first === null) return 0
    if (this.#untimed && (!this.#arriving || first.followers !== null)) return 0
    this.#joiningUntilNs = deadline(this.#policy, first.dueNs)
    return roomFor(Math.min(capacity, maxBatchSize - 1) - size)
  }

  /** What ran when calls came has come to its end; their deadline may have, too. */
  #allArrived = (): void => {
    this.#arriving = false
    this.#joining = 0
    if (this.#line.size < 2 || this.#idle.length === 0) return
    const nowNs = this.#time.now()
    this.#timeOutBefore(nowNs)
    this.#checkQueue(nowNs)
  }

  /** Resolves when every server is ready, and rejects where one cannot be. */
  async ready(): Promise<void> {
    if (this.#closing !== null) throw new BatcherError('CLOSED', 'the batcher is closed')
    await this.#readiness.all()
  }

  /**
   * Takes no more calls, and serves what waits, as servers become idle.
   *
   * @param timeoutNs how long that may take; what is left by then is rejected
   */
  close(timeoutNs: number): Promise<void> {
    const nowNs = this.#time.now()
    this.#giveUpNs = Math.min(this.#giveUpNs, nowNs + timeoutNs)
    this.#joining = 0
    if (this.#closing === null) {
      this.#closing = new Closing()
      // nobody comes any more, for whom to wait
      this.#policy = { ...this.#policy, maxWaitNs: 0 }
      this.#timeOutBefore(nowNs)
      this.#checkQueue(nowNs)
    }
    this.#rest(nowNs)
    return this.#closing.promise
  }

  /** A server that was idle is not ready any more. */
  readonly lost = (server: number): void => {
    const at = this.#idle.indexOf(server)
    if (at < 0 || this.#closed) return
    this.#idle.splice(at, 1)
    this.#joining = 0
    this.#prepare(server, this.#time.now())
  }

  #leavesNow(nowNs: number): boolean {
    const { size, first } = this.#line
    return this.#idle.length > 0 && decide(this.#policy, size + 1, first === null ? nowNs : first.dueNs, nowNs) > 0
  }

  /** Lets go what the policy lets go now. */
  #checkQueue(nowNs: number): void {
    const line = this.#line
    while (this.#idle.length > 0 && line.first !== null) {
      const size = decide(this.#policy, line.size, line.first.dueNs, nowNs)
      if (size === 0) return
      this.#leave(size, nowNs)
    }
  }

  #leave(size: number, nowNs: number): void {
    this.#joining = 0
    const server = this.#idle.shift() as number
    const idleNs = this.#idleNs[server] as number
    const requests = this.#line.take(size)
    const newest = requests[size - 1] as Request
    // an alarm may have rung late
    const full = size === this.#policy.maxBatchSize || this.#closing !== null
    const mayNs = full ? nowNs : Math.min(nowNs, deadline(this.#policy, (requests[0] as Request).dueNs))
    const leaveNs = Math.max(idleNs, newest.dueNs, mayNs)
    if (this.#timeouts.size > 0) {
      for (const request of requests) if (request.place >= 0) this.#timeouts.remove(request)
    }
    const flight = new Flight(server, requests, idleNs, leaveNs, this.#ended)
    this.#flights[server] = flight
    this.#flying++
    this.#inService += size
    if (this.#leaving.push(flight) > 1) return
    // a handler that returns at once would else be called for each call of a loop
    if (this.#servedNs < TURN_NS) this.#time.soon(this.#launch)
    else {
      this.#servedNs = 0
      this.#time.turn(this.#launch)
    }
  }

  #launchAll = (): void => {
    const flights = this.#leaving
    this.#leaving = []
    for (const flight of flights) {
      // unless it was given up before it began
      if (!flight.over) this.#begin(flight)
    }
    // who is told of here may have left only now
    if (this.#leaving.length === 0) this.#anyStray = false
    this.#rest((flights.at(-1) as Flight).startNs)
  }

  #begin(flight: Flight): void {
    const inputs = this.#inputsOf(flight)
    flight.startNs = this.#time.now()
    if (inputs.length === 0) {
      flight.over = true
      this.#land(flight)
      this.#free(flight.server, flight.startNs)
      return
    }
    flight.begun = true
    this.#servers.serve(flight, inputs)
    // not for those that are over by now; rings once for many, and does not come again where all is done
    if (!flight.over && this.#watch.atNs === NEVER) this.#watch.set(flight.startNs + this.#limits.batchTimeoutNs)
  }

  #inputsOf(flight: Flight): unknown[] {
    if (this.#anyStray) {
      // whoever has given up since it left need not be served
      const { length } = flight.requests
      flight.requests = flight.requests.filter(isPending)
      this.#inService -= length - flight.requests.length
    }
    const { requests } = flight
    const inputs = new Array<unknown>(requests.length)
    for (let i = 0; i < inputs.length; i++) inputs[i] = (requests[i] as Request).input
    return inputs
  }

  /** The process would end now. */
  beforeExit(): void {
    if (this.#flying > 0) this.#keepAlive(true)
  }

  #keepAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    this.#watch.keepAlive(keepsAlive)
  }

  #land({ server }: Flight): void {
    this.#flights[server] = null
    this.#flying--
    if (this.#flying === 0 && this.#keepsAlive) this.#keepAlive(false)
  }

  #ended = (flight: Flight, outputs: unknown, failure: { error: unknown } | null): void => {
    flight.over = true
    this.#land(flight)
    const nowNs = this.#time.now()
    const { requests, startNs, server } = flight
    if (this.#servers.inThisProcess) this.#servedNs += nowNs - startNs
    const late = failure === null && nowNs - startNs > this.#limits.batchTimeoutNs
    const failed = late ? { error: this.#tookTooLong() } : failure
    this.#inService -= requests.length
    this.#tell(flight, nowNs)
    if (failed === null) this.#answer(requests, outputs)
    else this.#failAll(requests, failed.error)
    this.#prepare(server, nowNs)
    this.#rest(nowNs)
  }

  #tell({ requests, idleNs, leaveNs, startNs }: Flight, endNs: number): void {
    this.#recorder?.batch(
      requests.length,
      idleNs / NS_PER_MS,
      leaveNs / NS_PER_MS,
      startNs / NS_PER_MS,
      endNs / NS_PER_MS,
    )
  }

  #answer(requests: Request[], outputs: unknown): void {
    try {
      checkOutputs(outputs, requests.length)
    } catch (error) {
      this.#failAll(requests, new BatcherError('BAD_OUTPUT', (error as Error).message))
      return
    }
    const recorder = this.#recorder
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as Request
      if (!request.pending) continue
      const output = outputs[i]
      if (isFailure(output)) {
        recorder?.failed(request.dueNs / NS_PER_MS)
        request.close()
        request.reject(output)
      } else {
        recorder?.served(request.dueNs / NS_PER_MS)
        request.close()
        request.resolve(output)
      }
    }
  }

  #failAll(requests: Request[], error: unknown): void {
    for (const request of requests) {
      if (!request.pending) continue
      this.#recorder?.failed(request.dueNs / NS_PER_MS)
      request.close()
      request.reject(error)
    }
  }

  /** The server takes another batch, as soon as it is ready. */
  #prepare(server: number, nowNs: number): void {
    if (this.#readiness.prepare(server)) this.#free(server, nowNs)
  }

  #prepared = (server: number): void => {
    if (this.#closed) return
    const nowNs = this.#time.now()
    this.#free(server, nowNs)
    this.#rest(nowNs)
  }

  #unprepared = (error: unknown): void => {
    if (this.#closed) return
    this.#joining = 0
    if (this.#readiness.allBroken) this.#turnAway(error)
    this.#rest(this.#time.now())
  }

  #free(server: number, nowNs: number): void {
    this.#timeOutBefore(nowNs)
    this.#idleNs[server] = nowNs
    this.#idle.push(server)
    this.#joining = 0
    this.#checkQueue(nowNs)
  }

  /** Rejects all who wait. */
  #turnAway(error: unknown): void {
    this.#joining = 0
    for (const request of this.#line.take(this.#line.size)) {
      if (request.place >= 0) this.#timeouts.remove(request)
      this.#recorder?.rejected(request.dueNs / NS_PER_MS)
      request.close()
      request.reject(error)
    }
  }

  #abort = (request: Request, reason: unknown): void => {
    this.#joining = 0
    if (this.#line.has(request)) {
      this.#line.remove(request)
      if (request.place >= 0) this.#timeouts.remove(request)
    } else this.#anyStray = true
    this.#recorder?.aborted(request.dueNs / NS_PER_MS)
    request.close()
    request.reject(reason)
    this.#rest(this.#time.now())
  }

  /**
   * Who has waited too long before now is not served, unless a server was idle by its deadline: it is as good as on its
   * way.
   */
  #timeOutBefore(nowNs: number): void {
    const timeouts = this.#timeouts
    while (timeouts.firstNs < nowNs && !this.#leavesBy(timeouts.firstNs)) this.#timeOut()
  }

  #leavesBy(ns: number): boolean {
    const { first } = this.#line
    return this.#idle.length > 0 && first !== null && deadline(this.#policy, first.dueNs) <= ns
  }

  /** Whoever is first to give up does. */
  #timeOut(): void {
    const { first: request, firstNs } = this.#timeouts
    this.#line.remove(request)
    this.#timeouts.remove(request)
    this.#recorder?.timedOut(request.dueNs / NS_PER_MS)
    request.close()
    const waitedMs = nearest(firstNs - request.dueNs) / NS_PER_MS
    request.reject(new BatcherError('QUEUE_TIMEOUT', `no server was there for it within ${waitedMs} ms`))
  }

  /** The alarm rings: deadlines, then timeouts. */
  #ring = (): void => {
    const nowNs = this.#time.now()
    this.#timeOutBefore(nowNs)
    this.#checkQueue(nowNs)
    while (this.#timeouts.firstNs <= nowNs) this.#timeOut()
    if (nowNs >= this.#giveUpNs) this.#giveUp(nowNs)
    this.#rest(nowNs)
  }

  /** Gives up the batches that have taken too long. */
  #lookAfter = (): void => {
    const nowNs = this.#time.now()
    let nextNs = NEVER
    // what it lets go is younger
    for (const flight of this.#flights.filter((each) => each?.begun)) {
      const { startNs } = flight as Flight
      const untilNs = startNs + this.#limits.batchTimeoutNs
      if (nowNs >= untilNs) {
        const reason = this.#tookTooLong()
        this.#servers.giveUp(flight as Flight, reason)
        flight?.failed(reason)
      } else if (untilNs < nextNs) nextNs = untilNs
    }
    if (nextNs < this.#watch.atNs) this.#watch.set(nextNs)
  }

  #tookTooLong(): Error {
    return new BatcherError('BATCH_TIMEOUT', tookTooLong(this.#limits.batchTimeoutNs / NS_PER_MS).message)
  }

  /** Closing has taken too long. */
  #giveUp(nowNs: number): void {
    this.#giveUpNs = NEVER
    const reason = new BatcherError('CLOSED', 'the batcher was closed before it was served')
    this.#turnAway(reason)
    for (const flight of this.#flights) {
      if (flight === null) continue
      flight.over = true
      this.#land(flight)
      if (flight.begun) this.#servers.giveUp(flight, reason)
      this.#inService -= flight.requests.length
      this.#tell(flight, nowNs)
      this.#failAll(flight.requests, reason)
    }
  }

  /** Until something happens: sets the alarm, or ends where all is done. */
  #rest(nowNs: number): void {
    const line = this.#line
    if (line.first === null && this.#flying === 0) {
      if (this.#closing !== null) this.#end()
      // one that rings soon anyway may as well: for the next call it is set already
      else if (this.#alarm.atNs < NEVER && this.#alarm.atNs > nowNs + LINGER_NS) this.#alarm.clear()
      return
    }
    let nextNs = Math.min(this.#timeouts.firstNs, this.#giveUpNs)
    if (this.#idle.length > 0 && line.first !== null) {
      nextNs = Math.min(nextNs, deadline(this.#policy, line.first.dueNs))
    }
    // one that rings too early sets it again: setting it costs more
    if (nextNs < this.#alarm.atNs) this.#alarm.set(nextNs)
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#alarm.clear()
    this.#watch.clear()
    const { resolve, reject } = this.#closing as Closing
    this.#closeServers().then(resolve, reject)
  }
}

/** All of this thread that are in use: asked before it ends, which costs a batch less than to keep it alive meanwhile. */
const batchers = new Set<WeakRef<LiveBatcher>>()

function beforeExit(batcher: LiveBatcher): void {
  if (batchers.size === 0) {
    process.on('beforeExit', () => {
      for (const each of batchers) {
        const alive = each.deref()
        if (alive === undefined) batchers.delete(each)
        else alive.beforeExit()
      }
    })
  }
  batchers.add(new WeakRef(batcher))
}

const roomFor = (calls: number) => Math.max(0, Math.min(calls, MANY))

const isPending = (request: Request) => request.pending

/** Whether an output is the failure of its request; a proxy may refuse to tell. */
function isFailure(output: unknown): output is Error {
  if (typeof output !== 'object') return false
  try {
    return isError(output)
  } catch {
    return true
  }
}

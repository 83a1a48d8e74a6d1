import type { ClosedArrivals, OpenArrivals } from '../../scenario/arrivals/arrivals.js'
import { Clients } from '../../scenario/arrivals/clients.js'
import type { Shard } from '../../scenario/arrivals/shard.js'
import type { Policy } from '../../scenario/batching-policy.js'
import type { RequestClasses } from '../../scenario/request-classes.js'
import type { Clock } from '../clock/clock.js'
import { SegmentBoundaries } from '../recording/segment-boundaries.js'
import { AHEAD_NS, type Window } from '../recording/window.js'
import { type ArrivalStream, createArrivalStream, type RunEnd } from './arrivals.js'
import type { Batch } from './batch.js'
import { DispatchReplay, type Limits, REPLAY_LENGTH } from './dispatch-replay.js'
import { type DropReason, Drops } from './drops.js'
import { IdleInOrder, IdleServers } from './idle-servers.js'
import { Mutex } from './mutex.js'
import { Parking } from './parking.js'
import { WaitingRoom } from './waiting-room.js'

const NEVER = Number.POSITIVE_INFINITY
/**
 * ```
 * state: | lock: int32 | (rest of its cache line) | replay: REPLAY_LENGTH doubles | idle since: double a server |
 *        0             4                          64                              104
 * ```
 */
const REPLAY = 64
const IDLE_SINCE = REPLAY + 8 * REPLAY_LENGTH

/** The setup of a run's queue, as plain data. */
export interface QueueSetup extends Limits {
  arrivals: OpenArrivals | ClosedArrivals
  seed: number
  /** the shard of the requests that the run sends, or of the clients, which are already divided; null if it sends all */
  shard: Shard | null
  end: RunEnd
  policy: Policy
  /** how many batches may be in service at a time; null is no limit */
  servers: number | null
  /** whether requests are served on this thread, and not on server threads */
  inProcess: boolean
}

/** The shared memory of a queue. */
export interface QueueBuffers {
  state: SharedArrayBuffer
  room: SharedArrayBuffer
  parking: SharedArrayBuffer
  /** the clients of a closed loop */
  clients: SharedArrayBuffer | null
  drops: SharedArrayBuffer
}

/**
 * Allocates the memory of a queue. All servers are busy at first.
 *
 * @param waiting how many requests may wait before the run is over
 */
export function allocateQueue(
  { arrivals, seed, shard, servers, capacity, inProcess }: QueueSetup,
  segments: number,
  waiting: number,
  classes: number,
): QueueBuffers {
  const slots = servers ?? 1
  const state = new SharedArrayBuffer(IDLE_SINCE + IdleServers.bytes(slots))
  IdleServers.initialize(new Float64Array(state, IDLE_SINCE))
  const closed = arrivals.process === 'closed'
  const clients = closed ? new SharedArrayBuffer(Clients.bytes(arrivals.clients)) : null
  // initializes the clients
  if (closed && clients !== null) new Clients(arrivals, seed, 0, clients, shard)
  return {
    state,
    room: new SharedArrayBuffer(WaitingRoom.bytes(Math.min(closed ? arrivals.clients : waiting, capacity))),
    // in this process, servers do not sleep: the event loop does
    parking: new SharedArrayBuffer(Parking.bytes(inProcess ? 0 : slots)),
    clients,
    drops: new SharedArrayBuffer(Drops.bytes(segments, classes)),
  }
}

/**
 * The queue of a run, which its servers share under a lock. No thread enqueues requests: the schedule is known in advance,
 * and a server that checks the queue first advances it to the present. It takes the batch of the server idle longest.
 */
export class SharedQueue {
  readonly #mutex: Mutex
  readonly #idle: IdleServers
  readonly #replay: DispatchReplay
  readonly #arrivals: ArrivalStream
  readonly #room: WaitingRoom
  readonly #parking: Parking
  readonly #window: Window
  readonly #boundaries: SegmentBoundaries | null
  readonly #clock: Clock
  readonly #setup: QueueSetup
  readonly drops: Drops
  /** whether every request has left, as of the last check */
  finished = false
  /**
   * when to check again unless notified before, after nothing was taken, or in this process after any check; Infinity if
   * another server watches
   */
  wakeAtNs = NEVER

  /** @param aheadNs how far in the future to set a time that no thread may have passed yet; 0 in virtual time */
  constructor(
    setup: QueueSetup,
    buffers: QueueBuffers,
    window: Window,
    clock: Clock,
    aheadNs = AHEAD_NS,
    classes: RequestClasses | null = null,
  ) {
    const { arrivals, seed, shard, end, policy } = setup
    this.#setup = setup
    this.#window = window
    this.#clock = clock
    this.#mutex = new Mutex(new Int32Array(buffers.state, 0, 1))
    const idleSince = new Float64Array(buffers.state, IDLE_SINCE)
    this.#idle = setup.inProcess && setup.servers !== null ? new IdleInOrder(idleSince) : new IdleServers(idleSince)
    this.#parking = new Parking(buffers.parking)
    this.#room = new WaitingRoom(buffers.room)
    this.drops = new Drops(buffers.drops, window.segments, classes)
    this.#arrivals = createArrivalStream(arrivals, seed, end, window, buffers.clients, shard)
    this.#boundaries = arrivals.process === 'closed' ? new SegmentBoundaries(window, end, clock, aheadNs) : null
    const parts = { policy, arrivals: this.#arrivals, room: this.#room, limits: setup, sink: this }
    this.#replay = new DispatchReplay(parts, new Float64Array(buffers.state, REPLAY, REPLAY_LENGTH))
  }

  /** Sets since when the server is idle, before its first `take`. */
  free(server: number, sinceNs: number): void {
    this.#idle.free(server, sinceNs)
  }

  /**
   * Takes the next batch for an idle server, if one leaves by now.
   *
   * @param sinceNs since when the server is idle, unless `free` has set it: its last completion, so that its own work after
   * that is dispatch, as in a simulation. If the queue is already replayed further, the server is idle from there on. In this
   * process: the present.
   * @returns whether `batch` was filled
   */
  take(server: number, batch: Batch, sinceNs: number): boolean {
    this.#mutex.lock()
    try {
      return this.#takeLocked(server, batch, sinceNs)
    } finally {
      this.#mutex.unlock()
    }
  }

  #takeLocked(server: number, batch: Batch, sinceNs: number): boolean {
    const replay = this.#replay
    const idle = this.#idle
    const { inProcess, servers } = this.#setup
    if (!inProcess) this.#parking.unpark(server)
    // on threads it is read under the lock: the server that gets it first became idle first
    const nowNs = inProcess ? sinceNs : this.#clock()
    if (idle.isBusy(server)) idle.free(server, Math.min(nowNs, Math.max(sinceNs, replay.settledNs + 1)))
    const freeNs = idle.longestNs
    const size = replay.take(freeNs, nowNs, idle.sinceNs(server))
    if (size > 0) {
      batch.freeNs = freeNs
      batch.leaveNs = replay.leaveNs
      batch.cause = replay.cause
      // a late thread was waking (dispatch), a late event loop was busy (lag)
      batch.lagNs = inProcess ? nowNs - replay.leaveNs : 0
      this.#fill(batch, size)
      // without a limit, there is always an idle server
      if (servers !== null) idle.takeBatch(server)
      if (!inProcess) this.#handOver(server)
    }
    if (size === 0 || inProcess) this.#findWakeTime(server, nowNs)
    if (replay.isFull) this.#window.endEarly(this.#clock, 'full')
    return size > 0
  }

  /**
   * Notifies the clients of a batch of their responses. Call it before the batch is recorded, so that a window or segment
   * that began or ended in the meantime is known.
   */
  respond({ clients, size, endNs }: Pick<Batch, 'clients' | 'size' | 'endNs'>): void {
    if (this.#boundaries === null) return
    this.#mutex.lock()
    try {
      this.#replay.settle(this.#idle.longestNs, endNs)
      this.#endWindow(endNs)
      for (let i = 0; i < size; i++) this.#arrivals.respond(clients[i] as number, endNs)
    } finally {
      this.#mutex.unlock()
    }
  }

  /** Hands the watch to another server: this one found no batch, but runs other code before it sleeps. */
  unwatch(server: number): void {
    this.#mutex.lock()
    if (this.#parking.isParked(server)) {
      this.#parking.unpark(server)
      this.#parking.notifyOne()
    }
    this.#mutex.unlock()
  }

  /** The word that the server sleeps on: PARKED until it is notified or checks the queue. */
  parkingWord(server: number): Int32Array {
    return this.#parking.word(server)
  }

  /** Wakes every parked server to check the queue: the run ends early, or a server has exited. */
  notifyAll(): void {
    this.#mutex.lock()
    this.#parking.notifyAll()
    this.#mutex.unlock()
  }

  /**
   * Removes a server that has exited.
   *
   * @returns false if the queue stays locked for that long: the server held the lock, and the run cannot continue
   */
  leave(server: number, withinMs: number): boolean {
    if (!this.#mutex.lockWithin(withinMs)) return false
    this.#idle.leave(server)
    this.#parking.unpark(server)
    this.#mutex.unlock()
    return true
  }

  /** How many requests have been due. */
  get seen(): number {
    return this.#replay.seen
  }

  /** When the oldest waiting request was due, as of the last check by any thread; Infinity if none waits. */
  get oldestDueNs(): number {
    const { head, waiting } = this.#replay
    return waiting === 0 ? NEVER : this.#room.dueNs(head)
  }

  /** Replays the queue to the end of the run, after its servers have ended. */
  settle(nowNs: number): void {
    // include events at the last instant
    this.#replay.settle(this.#idle.longestNs, nowNs + 1)
  }

  /**
   * Visits every request that still waits at the end of a run, and those that were due after the last check.
   *
   * @returns how many requests were due in total
   */
  finish(visit: (number: number, dueNs: number) => void): number {
    const { head, waiting } = this.#replay
    for (let place = head; place < head + waiting; place++) visit(this.#room.number(place), this.#room.dueNs(place))
    let due = this.seen
    for (let dueNs = this.#arrivals.nextDueNs; dueNs < NEVER; dueNs = this.#arrivals.nextDueNs) {
      this.#arrivals.take()
      this.arrive(due, dueNs)
      visit(due, dueNs)
      due++
    }
    return due
  }

  arrive(number: number, dueNs: number): void {
    if (this.#boundaries !== null) {
      this.#boundaries.reach(number, dueNs)
      if (number + 1 === this.#setup.end.requests) this.#window.drainFrom(this.#clock())
    }
    this.#window.arrive(number, dueNs)
  }

  drop(reason: DropReason, number: number, dueNs: number, atNs: number): void {
    this.drops.record(reason, this.#window, number, dueNs, atNs)
  }

  /** After a batch was taken, lets another idle server watch for the next one. */
  #handOver(server: number): void {
    if (!this.#idle.hasOther(server)) return
    this.#replay.computeNextRelease()
    if (!this.#parking.isWatched(this.#replay.nextReleaseNs)) this.#parking.notifyOne()
  }

  /** Finds when to check again after no batch left, and whether anything is left to wait for. */
  #findWakeTime(server: number, nowNs: number): void {
    const replay = this.#replay
    const window = this.#window
    const { nextDueNs, beyondNs } = this.#arrivals
    this.#endWindow(nowNs)
    const isOpen = this.#boundaries === null
    // a client of a closed loop may send again once it has its response
    const over = nextDueNs === NEVER && (isOpen || window.endNs <= nowNs)
    this.finished = over && replay.waiting === 0
    if (this.finished) {
      this.wakeAtNs = NEVER
      this.#parking.notifyAll()
      return
    }
    replay.computeNextRelease()
    const windowEndNs = window.endNs < NEVER ? window.endNs : beyondNs
    const endNs = isOpen || replay.waiting > 0 ? NEVER : windowEndNs
    const releaseNs = Math.min(replay.nextReleaseNs, endNs)
    // in this process, one event loop wakes for all servers
    this.wakeAtNs = this.#setup.inProcess ? releaseNs : this.#parking.park(server, releaseNs)
  }

  /** Ends the window of a closed loop when one more request than the run has would be due. */
  #endWindow(nowNs: number): void {
    const { beyondNs } = this.#arrivals
    if (beyondNs <= nowNs && this.#window.endNs === NEVER) this.#boundaries?.end(beyondNs)
  }

  /** Copies the last `size` requests before the head into the batch. */
  #fill(batch: Batch, size: number): void {
    const room = this.#room
    const first = this.#replay.head - size
    batch.size = size
    for (let i = 0; i < size; i++) {
      batch.numbers[i] = room.number(first + i)
      batch.dueNs[i] = room.dueNs(first + i)
      batch.queuedNs[i] = room.queuedNs(first + i)
      batch.clients[i] = room.client(first + i)
    }
  }
}

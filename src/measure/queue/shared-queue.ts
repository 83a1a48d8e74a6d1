import type { ClosedArrivals, OpenArrivals } from '../../scenario/arrivals/arrivals.js'
import { Clients } from '../../scenario/arrivals/clients.js'
import type { Policy } from '../../scenario/policy.js'
import type { Clock } from '../clock/clock.js'
import { SegmentBoundaries } from '../recording/segment-boundaries.js'
import { AHEAD_NS, type Window } from '../recording/window.js'
import { type Arrivals, arrivalsOf, type RunEnd } from './arrivals.js'
import type { Batch } from './batch.js'
import { DispatchReplay, type Limits, REPLAY_LENGTH } from './dispatch-replay.js'
import { type DropReason, Drops } from './drops.js'
import { Mutex } from './mutex.js'
import { Parking } from './parking.js'
import { WaitingRoom } from './waiting-room.js'

const BUSY = Number.POSITIVE_INFINITY
const NEVER = Number.POSITIVE_INFINITY
/** the lock, on a cache line of its own, then the replay, then since when each server is idle */
const REPLAY = 64
const IDLE_SINCE = REPLAY + 8 * REPLAY_LENGTH

/** What the queue of a run is made for: plain data. */
export interface QueueSetup extends Limits {
  arrivals: OpenArrivals | ClosedArrivals
  seed: number
  end: RunEnd
  policy: Policy
  /** how many batches may be served at a time; null is no limit */
  servers: number | null
  /** whether requests are served in this process, and not on threads */
  inProcess: boolean
}

/** The memory of a queue that threads share. */
export interface QueueBuffers {
  state: SharedArrayBuffer
  room: SharedArrayBuffer
  parking: SharedArrayBuffer
  /** the clients of a closed loop */
  clients: SharedArrayBuffer | null
  drops: SharedArrayBuffer
}

/**
 * Allocates the memory of a queue, in which every server is busy.
 *
 * @param waiting how many requests may wait before the run is over
 */
export function allocateQueue(
  { arrivals, seed, servers, capacity }: QueueSetup,
  segments: number,
  waiting: number,
): QueueBuffers {
  const slots = servers ?? 1
  const state = new SharedArrayBuffer(IDLE_SINCE + 8 * slots)
  new Float64Array(state, IDLE_SINCE).fill(BUSY)
  const closed = arrivals.process === 'closed'
  const clients = closed ? new SharedArrayBuffer(Clients.bytes(arrivals.clients)) : null
  // begins the loop
  if (closed && clients !== null) new Clients(arrivals, seed, 0, clients)
  return {
    state,
    room: new SharedArrayBuffer(WaitingRoom.bytes(Math.min(closed ? arrivals.clients : waiting, capacity))),
    parking: new SharedArrayBuffer(Parking.bytes(slots)),
    clients,
    drops: new SharedArrayBuffer(Drops.bytes(segments)),
  }
}

/**
 * The queue of a run, which its servers fraction under a lock. Nothing puts requests into it: the schedule is known in
 * advance, and a server that looks at the queue first brings it up to the present. A server that looks takes the batch
 * of the server idle longest, whichever it is, so that it does not matter which of them wakes first.
 */
export class SharedQueue {
  readonly #mutex: Mutex
  /** since when each server is idle */
  readonly #idleSince: Float64Array
  readonly #replay: DispatchReplay
  readonly #arrivals: Arrivals
  readonly #room: WaitingRoom
  readonly #parking: Parking
  readonly #window: Window
  readonly #boundaries: SegmentBoundaries | null
  readonly #clock: Clock
  readonly #setup: QueueSetup
  readonly drops: Drops
  /** whether everything that was due has left, as of the last look */
  finished = false
  /** if nothing was taken: when to look again, unless notified before; Infinity if another server does */
  wakeAtNs = NEVER

  /** @param aheadNs how far ahead a moment is set that no other thread may have passed; 0 if none can have */
  constructor(setup: QueueSetup, buffers: QueueBuffers, window: Window, clock: Clock, aheadNs = AHEAD_NS) {
    const { arrivals, seed, end, policy } = setup
    this.#setup = setup
    this.#window = window
    this.#clock = clock
    this.#mutex = new Mutex(new Int32Array(buffers.state, 0, 1))
    this.#idleSince = new Float64Array(buffers.state, IDLE_SINCE)
    this.#parking = new Parking(buffers.parking)
    this.#room = new WaitingRoom(buffers.room)
    this.drops = new Drops(buffers.drops, window.segments)
    this.#arrivals = arrivalsOf(arrivals, seed, end, window, buffers.clients)
    this.#boundaries = arrivals.process === 'closed' ? new SegmentBoundaries(window, end, clock, aheadNs) : null
    const parts = { policy, arrivals: this.#arrivals, room: this.#room, limits: setup, sink: this }
    this.#replay = new DispatchReplay(parts, new Float64Array(buffers.state, REPLAY, REPLAY_LENGTH))
  }

  /** The server has been idle since then, which it may say before it looks. */
  free(server: number, sinceNs: number): void {
    this.#idleSince[server] = sinceNs
  }

  /**
   * The server is idle, and takes the next batch if one leaves by now.
   *
   * @param sinceNs since when it is idle, if it has not said so: from its last completion on, so that what it does after
   * that is dispatch, as in a simulation. If the queue has been replayed further, it is idle from then on.
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
    const idleSince = this.#idleSince
    this.#parking.unpark(server)
    // read under the lock: the server that gets it first became idle first
    const nowNs = this.#clock()
    if (idleSince[server] === BUSY) idleSince[server] = Math.min(nowNs, Math.max(sinceNs, replay.settledNs + 1))
    const longest = this.#idleLongest(server)
    const freeNs = idleSince[longest] as number
    const size = replay.take(freeNs, nowNs, idleSince[server])
    if (size > 0) {
      batch.freeNs = freeNs
      batch.leaveNs = replay.leaveNs
      batch.cause = replay.cause
      // a thread that is late to look was waking, an event loop was doing something else
      batch.lagNs = this.#setup.inProcess ? nowNs - replay.leaveNs : 0
      this.#fill(batch, size)
      idleSince[longest] = idleSince[server] as number
      idleSince[server] = this.#setup.servers === null ? freeNs : BUSY
      this.#handOver(server)
    } else this.#rest(server, nowNs)
    if (replay.isFull) this.#window.endEarly(this.#clock, 'full')
    return size > 0
  }

  /**
   * The clients of a batch have their responses. Called before the batch is recorded, so that a window or segment that
   * began or ended meanwhile is known.
   */
  respond({ clients, size, endNs }: Pick<Batch, 'clients' | 'size' | 'endNs'>): void {
    if (this.#boundaries === null) return
    this.#mutex.lock()
    try {
      this.#replay.settle(this.#idleSince[this.#idleLongest(0)] as number, endNs)
      this.#endWindow(endNs)
      for (let i = 0; i < size; i++) this.#arrivals.respond(clients[i] as number, endNs)
    } finally {
      this.#mutex.unlock()
    }
  }

  /** The server that found no batch does something else before it sleeps: another one watches for the next batch. */
  unwatch(server: number): void {
    this.#mutex.lock()
    if (this.#parking.isParked(server)) {
      this.#parking.unpark(server)
      this.#parking.notifyOne()
    }
    this.#mutex.unlock()
  }

  /** What the server sleeps on: PARKED until it is notified, or looks again. */
  parkingWord(server: number): Int32Array {
    return this.#parking.word(server)
  }

  /** Has every parked server look at the queue: the run ends early, or a server is gone. */
  notifyAll(): void {
    this.#mutex.lock()
    this.#parking.notifyAll()
    this.#mutex.unlock()
  }

  /**
   * The server is gone.
   *
   * @returns false if the queue stayed locked for that long: the server was looking at it, and the run cannot go on
   */
  leave(server: number, withinMs: number): boolean {
    if (!this.#mutex.lockWithin(withinMs)) return false
    this.#idleSince[server] = BUSY
    this.#parking.unpark(server)
    this.#mutex.unlock()
    return true
  }

  /** How many requests have been due. */
  get seen(): number {
    return this.#replay.seen
  }

  /** Replays the queue to the end of the run, when its servers are gone. */
  settle(nowNs: number): void {
    // the last instant is over
    this.#replay.settle(this.#idleSince[this.#idleLongest(0)] as number, nowNs + 1)
  }

  /**
   * Calls back for every request that still waits at the end of a run, and for those that were due and that no server
   * looked at any more.
   *
   * @returns how many requests were due in all
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

  /** A batch was taken: has another server watch for the next one, if one is idle. */
  #handOver(server: number): void {
    const idleSince = this.#idleSince
    for (let other = 0; other < idleSince.length; other++) {
      if (other === server || idleSince[other] === BUSY) continue
      this.#replay.lookAhead()
      if (!this.#parking.isWatched(this.#replay.nextReleaseNs)) this.#parking.notifyOne()
      return
    }
  }

  /** No batch leaves: finds when to look again, and whether there is anything left to look for. */
  #rest(server: number, nowNs: number): void {
    const replay = this.#replay
    const window = this.#window
    const { nextDueNs, beyondNs } = this.#arrivals
    this.#endWindow(nowNs)
    const isOpen = this.#boundaries === null
    // a client of a closed loop may send again once it has its response
    const over = nextDueNs === NEVER && (isOpen || window.endNs <= nowNs)
    this.finished = over && replay.waiting === 0
    if (this.finished) {
      this.#parking.notifyAll()
      return
    }
    replay.lookAhead()
    const windowEndNs = window.endNs < NEVER ? window.endNs : beyondNs
    const endNs = isOpen || replay.waiting > 0 ? NEVER : windowEndNs
    const releaseNs = Math.min(replay.nextReleaseNs, endNs)
    // in this process one event loop wakes for all servers
    this.wakeAtNs = this.#setup.inProcess ? releaseNs : this.#parking.park(server, releaseNs)
  }

  /** Ends the window of a closed loop when one more request than the run has would be due. */
  #endWindow(nowNs: number): void {
    const { beyondNs } = this.#arrivals
    if (beyondNs <= nowNs && this.#window.endNs === NEVER) this.#boundaries?.end(beyondNs)
  }

  #idleLongest(server: number): number {
    const idleSince = this.#idleSince
    let longest = server
    for (let other = 0; other < idleSince.length; other++) {
      if ((idleSince[other] as number) < (idleSince[longest] as number)) longest = other
    }
    return longest
  }

  /** The newest `size` requests before the head make the batch. */
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

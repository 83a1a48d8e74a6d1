import type { Result } from '../result/result.js'
import { ScenarioError, show } from '../scenario/error.js'
import { NS_PER_MS, nearest } from '../scenario/units.js'
import { type Channels, channelsOf } from './channels.js'
import { type LiveScenario, type LiveScenarioOptions, liveScenario } from './live-scenario.js'
import { Recent } from './recent.js'
import {
  lastOf,
  type NormalRecorderOptions,
  type RecorderOptions,
  recorderOptions,
  type SnapshotOptions,
} from './recorder-options.js'
import type { Recording } from './recording.js'
import {
  ABORTED,
  BEGIN,
  DONE,
  FAILED,
  FROM,
  GATHERED,
  IDLE,
  LEAVE,
  type Outcome,
  REJECTED,
  Segments,
  TIMED_OUT,
  TOLD,
} from './segments.js'
import { snapshotOf } from './snapshot.js'
import { type Totals, totalsOf } from './totals.js'

/**
 * Records the latency of live requests, for next to nothing: recording allocates nothing, and costs some nanoseconds.
 * A batcher tells it of everything by itself. Without one:
 *
 * ```ts
 * const start = recorder.start()
 * try {
 *   await serve()
 *   recorder.record(start)
 * } catch (error) {
 *   recorder.fail(start)
 *   throw error
 * }
 * ```
 */
export interface Recorder extends Recording {
  readonly name: string
  /** A request comes, and is served at once: returns when, for `record` or `fail`. */
  start(): number
  /**
   * A request that started then is answered, now or at `endMs`: all of its latency was service. It must have been told
   * of before, by `start` or `arrived`.
   */
  record(startMs: number, endMs?: number): void
  /** The same of a request that failed. */
  fail(startMs: number, endMs?: number): void
  /**
   * What was recorded in the last 10 s, 1 min, any time up to 5 min, or since the start: a Result, as budgets, reports
   * and `compareResults` take it; null where nothing completed. It takes some 30 ms of this thread, so ask for it now and
   * then, and not for each request.
   *
   * It is of the requests due in its window, whenever they completed, as any Result is. The window ends now where
   * nothing is under way, else before the oldest request that is, to within half a second: so that the slow ones are
   * not cut off. What is under way for longer than `drain` is `unfinished`, with the finding `cut-off`; and so is all that
   * is under way where nothing would be left to show without it. It begins up to a twentieth of its length sooner than
   * asked for.
   */
  snapshot(options?: SnapshotOptions): Result | null
  /** Counts since the start, and how many requests were within each of these bounds: what metrics are exported from. */
  totals(boundsMs?: readonly number[]): Totals
  /**
   * The newest requests and batches as a scenario, so that `simulate({ ...recorder.scenario(), batching })` tells what
   * another batching would have done with them.
   *
   * @throws ScenarioError where too little was recorded to tell
   */
  scenario(options?: LiveScenarioOptions): LiveScenario
  /** How much memory it takes at present. */
  readonly bytes: number
}

/**
 * Makes a recorder of live requests.
 *
 * @throws ScenarioError where an option is none
 */
export function createRecorder(given: RecorderOptions = {}): Recorder {
  return new LiveRecorder(recorderOptions(given))
}

/** Times told so far ahead of the clock are of another clock. */
const AHEAD_MS = 1000

class LiveRecorder implements Recorder {
  readonly name: string
  readonly #options: NormalRecorderOptions
  readonly #clock: () => number
  readonly #segments: Segments
  readonly #recent: Recent | null
  readonly #channels: Channels
  readonly #originNs: number
  /** the batch at hand, as it is gathered, and whether it has been */
  readonly #batch = new Float64Array(TOLD)
  #gathered = false
  /** until when the clock need not be read to tell that a time is not in the future */
  readonly #horizon = new Float64Array(1)
  /** what was told of since anything was counted: arrivals, requests that were all service, and those of batches, with these */
  readonly #arrivals = new Float64Array(GATHERED)
  readonly #alone = new Float64Array(2 * GATHERED)
  readonly #served = new Float64Array(GATHERED)
  readonly #batches = new Float64Array(TOLD * GATHERED)
  #dues = 0
  #alones = 0
  #serveds = 0
  #told = 0

  constructor(given: NormalRecorderOptions) {
    this.name = given.name
    this.#options = given
    this.#clock = given.clock ?? (() => performance.now())
    this.#originNs = nearest(this.#clock() * NS_PER_MS)
    this.#segments = new Segments(this.#originNs)
    this.#recent = given.keep === 0 ? null : new Recent(given.keep)
    this.#channels = channelsOf(given.name)
  }

  start(): number {
    const now = this.#clock()
    this.arrived(now)
    return now
  }

  arrived(dueMs: number): void {
    if (!(dueMs >= 0 && dueMs <= (this.#horizon[0] as number))) this.#check('dueMs', dueMs, 0)
    let n = this.#dues
    if (n === GATHERED) n = this.#count()
    this.#arrivals[n] = dueMs
    this.#dues = n + 1
  }

  record(startMs: number, endMs = this.#clock()): void {
    if (!(startMs >= 0 && endMs >= startMs && endMs <= (this.#horizon[0] as number))) {
      this.#check('startMs', startMs, 0)
      this.#check('endMs', endMs, startMs)
    }
    let n = this.#alones
    if (n === GATHERED) {
      this.#count()
      n = 0
    }
    this.#alone[2 * n] = startMs
    this.#alone[2 * n + 1] = endMs
    this.#alones = n + 1
    if (this.#channels.batch.hasSubscribers) this.#channels.tellBatch(1, startMs, startMs, startMs, endMs)
  }

  fail(startMs: number, endMs = this.#clock()): void {
    this.#check('startMs', startMs, 0)
    this.#check('endMs', endMs, startMs)
    const [due, end] = [nearest(startMs * NS_PER_MS), nearest(endMs * NS_PER_MS)]
    const segments = this.#segments
    segments.advance(end)
    segments.settle(due, end, FAILED)
    segments.batch(1, due, end)
    const { batch, fail } = this.#channels
    if (batch.hasSubscribers) this.#channels.tellBatch(1, startMs, startMs, startMs, endMs)
    if (fail.hasSubscribers) this.#channels.tell(fail, startMs, endMs)
  }

  batch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void {
    if (!(size >= 1)) throw new ScenarioError('size', `must be a whole number of at least 1, got ${show(size)}`)
    this.#check('leaveMs', leaveMs, 0)
    this.#check('startMs', startMs, leaveMs)
    this.#check('endMs', endMs, startMs)
    if (!(idleMs <= leaveMs)) {
      const left = `no later than the batch left, at ${leaveMs} ms`
      throw new ScenarioError('idleMs', `must be a time ${left}, got ${show(idleMs)}`)
    }
    const told = this.#batch
    const start = nearest(startMs * NS_PER_MS)
    const end = nearest(endMs * NS_PER_MS)
    told[IDLE] = Math.max(0, nearest(idleMs * NS_PER_MS))
    told[LEAVE] = nearest(leaveMs * NS_PER_MS)
    told[BEGIN] = start
    told[DONE] = end
    this.#gathered = false
    const segments = this.#segments
    if (end >= segments.endNs) segments.advance(end)
    segments.batch(size, start, end)
    this.#recent?.batch(size, told[IDLE] as number, told[LEAVE] as number, start, end)
    if (this.#channels.batch.hasSubscribers) this.#channels.tellBatch(size, idleMs, leaveMs, startMs, endMs)
  }

  served(dueMs: number): void {
    const batch = this.#batch
    const leave = batch[LEAVE] as number
    const due = nearest(dueMs * NS_PER_MS)
    if (!(due >= 0 && due <= leave)) throw notInBatch(dueMs, leave)
    let n = this.#serveds
    if (n === GATHERED) {
      this.#count()
      n = 0
    }
    if (!this.#gathered) this.#gather(n)
    this.#served[n] = due
    this.#serveds = n + 1
  }

  /** The batch at hand is that of the requests from here on. */
  #gather(from: number): void {
    this.#gathered = true
    this.#batch[FROM] = from
    const batches = this.#batches
    const at = TOLD * this.#told++
    for (let i = 0; i < TOLD; i++) batches[at + i] = this.#batch[i] as number
  }

  failed(dueMs: number): void {
    const due = nearest(dueMs * NS_PER_MS)
    const end = this.#batch[DONE] as number
    if (!(due >= 0 && due <= (this.#batch[LEAVE] as number))) throw notInBatch(dueMs, this.#batch[LEAVE] as number)
    this.#segments.settle(due, end, FAILED)
    const { fail } = this.#channels
    if (fail.hasSubscribers) this.#channels.tell(fail, dueMs, end / NS_PER_MS)
  }

  rejected(dueMs: number): void {
    // at once
    this.#leave(dueMs, dueMs, REJECTED)
    const { reject } = this.#channels
    if (reject.hasSubscribers) this.#channels.tell(reject, dueMs, dueMs)
  }

  timedOut(dueMs: number): void {
    const now = this.#clock()
    this.#leave(dueMs, now, TIMED_OUT)
    const { timeout } = this.#channels
    if (timeout.hasSubscribers) this.#channels.tell(timeout, dueMs, now)
  }

  aborted(dueMs: number): void {
    const now = this.#clock()
    this.#leave(dueMs, now, ABORTED)
    const { abort } = this.#channels
    if (abort.hasSubscribers) this.#channels.tell(abort, dueMs, now)
  }

  #leave(dueMs: number, leftMs: number, outcome: Outcome): void {
    this.#check('dueMs', dueMs, 0)
    const due = nearest(dueMs * NS_PER_MS)
    const left = Math.max(due, nearest(leftMs * NS_PER_MS))
    this.#segments.advance(left)
    this.#segments.settle(due, left, outcome)
  }

  /** Refuses what is no time of the clock: a number, not before another, and not in the future. */
  #check(what: string, ms: number, fromMs: number): void {
    const horizon = this.#horizon
    if (ms >= fromMs && ms <= (horizon[0] as number)) return
    horizon[0] = this.#clock() + AHEAD_MS
    if (!(ms >= fromMs && ms <= (horizon[0] as number))) throw notATime(what, ms, fromMs, this.#clock())
  }

  /** Counts what was gathered. */
  #count(): number {
    this.#segments.arriveAll(this.#arrivals, this.#dues)
    this.#segments.servedAlone(this.#alone, this.#alones)
    this.#segments.servedAll(this.#served, this.#serveds, this.#batches, this.#told)
    this.#recent?.arriveAll(this.#arrivals, this.#dues)
    this.#recent?.servedAlone(this.#alone, this.#alones)
    this.#dues = 0
    this.#alones = 0
    this.#serveds = 0
    this.#told = 0
    this.#gathered = false
    return 0
  }

  snapshot(given: SnapshotOptions = {}): Result | null {
    const last = lastOf(given)
    const nowNs = this.#now()
    const { servers, drain, clock } = this.#options
    return snapshotOf(this.#segments, {
      originNs: this.#originNs,
      nowNs,
      lastNs: last * NS_PER_MS,
      drainNs: drain * NS_PER_MS,
      servers,
      isVirtual: clock !== undefined,
    })
  }

  totals(boundsMs: readonly number[] = []): Totals {
    this.#now()
    return totalsOf(this.#segments, boundsMs)
  }

  scenario(given: LiveScenarioOptions = {}): LiveScenario {
    this.#count()
    return liveScenario(this.#recent, this.#options, given)
  }

  get bytes(): number {
    return this.#segments.bytes + (this.#recent?.bytes ?? 0)
  }

  #now(): number {
    this.#count()
    const now = nearest(this.#clock() * NS_PER_MS)
    this.#segments.advance(now)
    return now
  }
}

function notATime(what: string, ms: number, fromMs: number, nowMs: number): ScenarioError {
  const range = `no earlier than ${fromMs} ms and no later than now, ${nowMs} ms`
  return new ScenarioError(what, `must be a time of the recorder's clock, performance.now(), ${range}, got ${show(ms)}`)
}

function notInBatch(dueMs: number, leaveNs: number): ScenarioError {
  const left = `at ${leaveNs / NS_PER_MS} ms`
  return new ScenarioError(
    'dueMs',
    `must be when a request of the batch just told was due, which left ${left}, got ${show(dueMs)}`,
  )
}

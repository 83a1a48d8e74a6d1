import { now } from '../../clock/clock.js'
import type { Result } from '../../result/result.js'
import { MOST_REQUESTS, NS_PER_MS, nearest } from '../../scenario/units.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import type { RecorderSink } from '../batcher/recorder-sink.js'
import { type Channels, channelsOf } from '../exporters/channels.js'
import { type LiveScenario, type LiveScenarioOptions, liveScenario } from './live-scenario.js'
import { Recent } from './recent.js'
import { RecordBuffer } from './record-buffer.js'
import {
  lastOf,
  type RecorderOptions,
  type ResolvedRecorderOptions,
  recorderOptions,
  type SnapshotOptions,
} from './recorder-options.js'
import { type Outcome, Segments } from './segments.js'
import { snapshotOf } from './snapshot.js'
import { type Totals, totalsOf } from './totals.js'

/**
 * Records the latency of live requests. Recording allocates nothing, and takes some nanoseconds. A batcher calls its
 * recorder by itself. Without a batcher:
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
export interface Recorder extends RecorderSink {
  readonly name: string
  /** Records the arrival of a request that is served at once. Returns the time, for `record` or `fail`. */
  start(): number
  /**
   * Records the completion of a request, now or at `endMs`: all of its latency was service. Its arrival must have been
   * recorded by `start` or `arrived` at `startMs`. A request that ends twice, or never arrived, makes snapshots invalid
   * (`littles-law`).
   */
  record(startMs: number, endMs?: number): void
  /** Records the failure of a request, in the same way. */
  fail(startMs: number, endMs?: number): void
  /**
   * Makes a Result of the last 10 s, 1 min, any time up to 5 min, or all time since the start, for budgets, reports and
   * `compareResults`; null if nothing completed. It blocks the thread for some 30 ms, so call it now and then, and not
   * for each request.
   *
   * Like any Result it has the requests due in its window, whenever they completed. The window ends now if no request is
   * in flight, otherwise before the oldest one in flight, to within half a second, so that slow requests are not cut off.
   * Requests in flight for longer than `drain` are `unfinished`, with the finding `cut-off`; so are all requests in
   * flight if nothing else is left to show. The window begins up to a twentieth of its length sooner than requested.
   */
  snapshot(options?: SnapshotOptions): Result | null
  /** Counts since the start, and how many requests took at most each of these bounds, to export as metrics. */
  totals(boundsMs?: readonly number[]): Totals
  /**
   * Makes a scenario of the newest requests and batches. `simulate({ ...recorder.scenario(), batching })` predicts their
   * latency under another batching policy.
   *
   * @throws ValidationError if too little was recorded
   */
  scenario(options?: LiveScenarioOptions): LiveScenario
  /** How much memory it takes at present. */
  readonly bytes: number
}

/**
 * Makes a recorder of live requests.
 *
 * @example
 * ```ts
 * import { createRecorder } from 'throughline/serve'
 *
 * const recorder = createRecorder({ servers: 4 })
 * const start = recorder.start()
 * recorder.record(start)
 * console.log(recorder.totals().completed) // 1
 * ```
 *
 * @throws ValidationError if an option is invalid
 */
export function createRecorder(given: RecorderOptions = {}): Recorder {
  return new LiveRecorder(recorderOptions(given))
}

/** Times further ahead of the clock than this must be of another clock. */
const AHEAD_MS = 1000

class LiveRecorder implements Recorder {
  readonly name: string
  readonly #options: ResolvedRecorderOptions
  readonly #clock: () => number
  readonly #segments: Segments
  readonly #recent: Recent | null
  readonly #buffer: RecordBuffer
  readonly #channels: Channels
  readonly #originNs: number
  /** times up to here are not in the future: checking them needs no reading of the clock */
  readonly #horizon = new Float64Array(1)

  constructor(given: ResolvedRecorderOptions) {
    this.name = given.name
    this.#options = given
    this.#clock = given.clock === undefined ? now : monotone(given.clock)
    this.#originNs = nearest(this.#clock() * NS_PER_MS)
    this.#segments = new Segments(this.#originNs, given.good !== undefined)
    this.#recent = given.keep === 0 ? null : new Recent(given.keep)
    this.#buffer = new RecordBuffer(this.#segments, this.#recent, given.good)
    this.#channels = channelsOf(given.name)
  }

  start(): number {
    const now = this.#clock()
    this.arrived(now)
    return now
  }

  arrived(dueMs: number): void {
    if (!(isNumber(dueMs) && dueMs >= 0 && dueMs <= (this.#horizon[0] as number))) this.#check('dueMs', dueMs, 0)
    this.#buffer.arrived(dueMs)
  }

  record(startMs: number, endMs = this.#clock()): void {
    const areNumbers = isNumber(startMs) && isNumber(endMs)
    if (!(areNumbers && startMs >= 0 && endMs >= startMs && endMs <= (this.#horizon[0] as number))) {
      this.#check('startMs', startMs, 0)
      this.#check('endMs', endMs, startMs)
    }
    this.#buffer.servedAlone(startMs, endMs)
    if (this.#channels.batch.hasSubscribers) this.#channels.publishBatch(1, startMs, startMs, startMs, endMs)
  }

  fail(startMs: number, endMs = this.#clock()): void {
    this.#check('startMs', startMs, 0)
    this.#check('endMs', endMs, startMs)
    const [due, end] = [nearest(startMs * NS_PER_MS), nearest(endMs * NS_PER_MS)]
    const segments = this.#segments
    segments.advance(end)
    segments.settle(due, end, 'failed')
    segments.batch(1, due, end)
    const { batch, fail } = this.#channels
    if (batch.hasSubscribers) this.#channels.publishBatch(1, startMs, startMs, startMs, endMs)
    if (fail.hasSubscribers) this.#channels.publishRequest(fail, startMs, endMs)
  }

  batch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void {
    if (!(Number.isInteger(size) && size >= 1 && size <= MOST_REQUESTS)) {
      const range = `of at least 1 and at most ${MOST_REQUESTS.toLocaleString('en')}`
      throw new ValidationError('size', `must be a whole number ${range}, got ${show(size)}`)
    }
    this.#check('leaveMs', leaveMs, 0)
    this.#check('startMs', startMs, leaveMs)
    this.#check('endMs', endMs, startMs)
    if (!(isNumber(idleMs) && idleMs <= leaveMs)) {
      const left = `no later than the batch left, at ${leaveMs} ms`
      throw new ValidationError('idleMs', `must be a time ${left}, got ${show(idleMs)}`)
    }
    const idle = Math.max(0, nearest(idleMs * NS_PER_MS))
    const leave = nearest(leaveMs * NS_PER_MS)
    const start = nearest(startMs * NS_PER_MS)
    const end = nearest(endMs * NS_PER_MS)
    this.#buffer.batch(idle, leave, start, end)
    const segments = this.#segments
    if (end >= segments.endNs) segments.advance(end)
    segments.batch(size, start, end)
    this.#recent?.batch(size, idle, leave, start, end)
    if (this.#channels.batch.hasSubscribers) this.#channels.publishBatch(size, idleMs, leaveMs, startMs, endMs)
  }

  served(dueMs: number): void {
    const due = nearest(dueMs * NS_PER_MS)
    const leave = this.#buffer.leaveNs
    if (!(isNumber(dueMs) && due >= 0 && due <= leave)) throw notInBatch(dueMs, leave)
    this.#buffer.served(due)
  }

  failed(dueMs: number): void {
    const due = nearest(dueMs * NS_PER_MS)
    const { leaveNs, doneNs: end } = this.#buffer
    if (!(isNumber(dueMs) && due >= 0 && due <= leaveNs)) throw notInBatch(dueMs, leaveNs)
    this.#segments.settle(due, end, 'failed')
    const { fail } = this.#channels
    if (fail.hasSubscribers) this.#channels.publishRequest(fail, dueMs, end / NS_PER_MS)
  }

  rejected(dueMs: number): void {
    // at once
    this.#leave(dueMs, dueMs, 'rejected')
    const { reject } = this.#channels
    if (reject.hasSubscribers) this.#channels.publishRequest(reject, dueMs, dueMs)
  }

  timedOut(dueMs: number): void {
    const now = this.#clock()
    this.#leave(dueMs, now, 'timedOut')
    const { timeout } = this.#channels
    if (timeout.hasSubscribers) this.#channels.publishRequest(timeout, dueMs, now)
  }

  aborted(dueMs: number): void {
    const now = this.#clock()
    this.#leave(dueMs, now, 'aborted')
    const { abort } = this.#channels
    if (abort.hasSubscribers) this.#channels.publishRequest(abort, dueMs, now)
  }

  #leave(dueMs: number, leftMs: number, outcome: Outcome): void {
    this.#check('dueMs', dueMs, 0)
    const due = nearest(dueMs * NS_PER_MS)
    const left = Math.max(due, nearest(leftMs * NS_PER_MS))
    this.#segments.advance(left)
    this.#segments.settle(due, left, outcome)
  }

  /** Checks that a time is a number, not before another, and not in the future. */
  #check(what: string, ms: number, fromMs: number): void {
    const horizon = this.#horizon
    if (isNumber(ms) && ms >= fromMs && ms <= (horizon[0] as number)) return
    horizon[0] = this.#clock() + AHEAD_MS
    if (!(isNumber(ms) && ms >= fromMs && ms <= (horizon[0] as number))) throw notATime(what, ms, fromMs, this.#clock())
  }

  snapshot(given: SnapshotOptions = {}): Result | null {
    const last = lastOf(given)
    const nowNs = this.#now()
    const { servers, good, drain, clock } = this.#options
    return snapshotOf(this.#segments, {
      originNs: this.#originNs,
      nowNs,
      lastNs: last * NS_PER_MS,
      drainNs: drain * NS_PER_MS,
      servers,
      good,
      isVirtual: clock !== undefined,
    })
  }

  totals(boundsMs: readonly number[] = []): Totals {
    this.#now()
    return totalsOf(this.#segments, boundsMs)
  }

  scenario(given: LiveScenarioOptions = {}): LiveScenario {
    this.#buffer.count()
    return liveScenario(this.#recent, this.#options, given)
  }

  get bytes(): number {
    return this.#segments.bytes + (this.#recent?.bytes ?? 0)
  }

  #now(): number {
    this.#buffer.count()
    const now = nearest(this.#clock() * NS_PER_MS)
    this.#segments.advance(now)
    return now
  }
}

/**
 * Makes a clock that stands still while the given one goes back, or returns no time.
 *
 * @throws ValidationError if its first value is not a time
 */
function monotone(clock: () => number): () => number {
  const isTime = (ms: unknown, fromMs: number) => isNumber(ms) && ms >= fromMs && ms <= Number.MAX_SAFE_INTEGER
  let last = clock()
  if (!isTime(last, 0)) {
    throw new ValidationError('recorder.clock', `must return milliseconds, of 0 or more, got ${show(last)}`)
  }
  return () => {
    const ms = clock()
    if (isTime(ms, last)) last = ms
    return last
  }
}

/** Comparisons accept `null` and `'5'` as times. */
const isNumber = (ms: unknown): ms is number => typeof ms === 'number'

function notATime(what: string, ms: number, fromMs: number, nowMs: number): ValidationError {
  const range = `no earlier than ${fromMs} ms and no later than now, ${nowMs} ms`
  return new ValidationError(
    what,
    `must be a time of the recorder's clock, as start() returns it, ${range}, got ${show(ms)}`,
  )
}

function notInBatch(dueMs: number, leaveNs: number): ValidationError {
  const left = `at ${leaveNs / NS_PER_MS} ms`
  return new ValidationError(
    'dueMs',
    `must be the due time of a request of the current batch, which left ${left}, got ${show(dueMs)}`,
  )
}

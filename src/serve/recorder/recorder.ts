import type { Channel } from 'node:diagnostics_channel'
import { now } from '../../clock/clock.js'
import { failureKind } from '../../result/failures.js'
import type { Result } from '../../result/result.js'
import { NS_PER_MS, nearest } from '../../scenario/nanoseconds.js'
import { MOST_REQUESTS } from '../../scenario/units.js'
import { nearestName, suggest } from '../../validation/nearest.js'
import { got, show, ValidationError } from '../../validation/validation-error.js'
import type { RecorderSink } from '../batcher/recorder-sink.js'
import { type Channels, channelsOf } from '../exporters/channels.js'
import { UNCLASSIFIED } from './class-segments.js'
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
import { type RequestOutcome, Segments } from './segments.js'
import { snapshotOf } from './snapshot.js'
import { type Totals, totalsOf } from './totals.js'

/**
 * Records requests that are served at once: all requests, or those of a class.
 */
export interface RequestRecorder {
  /** Records the arrival of a request that is served at once. Returns the time, for `record` or `fail`. */
  start(): number
  /**
   * Records the completion of a request, now or at `endMs`: all of its latency was service. Its arrival must have been
   * recorded by `start` or `arrived` at `startMs`. A request that ends twice, or never arrived, makes snapshots invalid
   * (`littles-law`).
   */
  record(startMs: number, endMs?: number): void
  /**
   * Records the failure of a request, in the same way.
   *
   * @param error what was thrown. It gives the kind of the failure: its `kind`, its `code` or that of its cause, or its name.
   * Without it, the kind is `unknown`.
   */
  fail(startMs: number, error?: unknown, endMs?: number): void
}

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
 *   recorder.fail(start, error)
 *   throw error
 * }
 * ```
 */
export interface Recorder extends RequestRecorder, RecorderSink {
  readonly name: string
  /** the names of the classes that requests may have; empty if they have no classes */
  readonly classes: readonly string[]
  /**
   * Returns what records the requests of a class, always the same for the same class. A request counts in the class that
   * records its end; while it is in flight, in the one that recorded its start. So a class that is known only at the end can
   * be given then: `recorder.class(route).record(start)`.
   *
   * @throws ValidationError if the recorder was made without this class
   * @example
   * ```ts
   * import { createRecorder } from 'throughline/serve'
   *
   * const recorder = createRecorder({ classes: ['checkout', 'browse'] })
   * const checkouts = recorder.class('checkout')
   * checkouts.record(checkouts.start())
   * console.log(recorder.snapshot()?.classes?.checkout?.counts.completed) // 1
   * ```
   */
  class(name: string): RequestRecorder
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
  readonly #classNumbers: ReadonlyMap<string, number>
  readonly #ofClass = new Map<string, RequestRecorder>()

  constructor(given: ResolvedRecorderOptions) {
    this.name = given.name
    this.#options = given
    this.#clock = given.clock === undefined ? now : monotone(given.clock)
    this.#originNs = nearest(this.#clock() * NS_PER_MS)
    this.#segments = new Segments(this.#originNs, given.good !== undefined, given.classes)
    this.#classNumbers = this.#segments.classes?.numbers ?? new Map()
    this.#recent = given.keep === 0 ? null : new Recent(given.keep)
    this.#buffer = new RecordBuffer(this.#segments, this.#recent, given.good)
    this.#channels = channelsOf(given.name)
  }

  get classes(): readonly string[] {
    return this.#options.classes
  }

  class(name: string): RequestRecorder {
    const known = this.#ofClass.get(name)
    if (known !== undefined) return known
    const ofClass = this.#classNumbers.get(name)
    if (ofClass === undefined) throw noSuchClass(name, this.classes)
    const made: RequestRecorder = {
      start: () => {
        const now = this.#clock()
        this.#arrivedIn(ofClass, now)
        return now
      },
      record: (startMs, endMs = this.#clock()) => {
        this.record(startMs, endMs)
        this.#buffer.classifyAlone(ofClass)
      },
      fail: (startMs, error, endMs = this.#clock()) => this.#fail(startMs, endMs, error, ofClass, name),
    }
    this.#ofClass.set(name, made)
    return made
  }

  /** @throws ValidationError if there is no class of this name */
  #numberOf(className: string | undefined): number {
    if (className === undefined) return UNCLASSIFIED
    const number = this.#classNumbers.get(className)
    if (number === undefined) throw noSuchClass(className, this.classes)
    return number
  }

  start(): number {
    const now = this.#clock()
    this.arrived(now)
    return now
  }

  arrived(dueMs: number, className?: string): void {
    if (className !== undefined) {
      this.#arrivedIn(this.#numberOf(className), dueMs)
      return
    }
    if (!(isNumber(dueMs) && dueMs >= 0 && dueMs <= (this.#horizon[0] as number))) this.#check('dueMs', dueMs, 0)
    this.#buffer.arrived(dueMs)
  }

  #arrivedIn(ofClass: number, dueMs: number): void {
    this.arrived(dueMs)
    this.#buffer.classifyArrival(ofClass)
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

  fail(startMs: number, error?: unknown, endMs = this.#clock()): void {
    this.#fail(startMs, endMs, error, UNCLASSIFIED)
  }

  #fail(startMs: number, endMs: number, error: unknown, ofClass: number, className?: string): void {
    this.#check('startMs', startMs, 0)
    this.#check('endMs', endMs, startMs)
    const [due, end] = [nearest(startMs * NS_PER_MS), nearest(endMs * NS_PER_MS)]
    const kind = kindOf(error)
    const segments = this.#segments
    segments.advance(end)
    segments.fail(due, end, kind, ofClass)
    segments.batch(1, due, end)
    const { batch, fail } = this.#channels
    if (batch.hasSubscribers) this.#channels.publishBatch(1, startMs, startMs, startMs, endMs)
    if (fail.hasSubscribers) this.#channels.publishRequest(fail, startMs, endMs, className, kind)
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

  served(dueMs: number, className?: string): void {
    if (className !== undefined) {
      const ofClass = this.#numberOf(className)
      this.served(dueMs)
      this.#buffer.classifyServed(ofClass)
      return
    }
    const due = nearest(dueMs * NS_PER_MS)
    const leave = this.#buffer.leaveNs
    if (!(isNumber(dueMs) && due >= 0 && due <= leave)) throw notInBatch(dueMs, leave)
    this.#buffer.served(due)
  }

  failed(dueMs: number, error?: unknown, className?: string): void {
    const ofClass = this.#numberOf(className)
    const due = nearest(dueMs * NS_PER_MS)
    const { leaveNs, doneNs: end } = this.#buffer
    if (!(isNumber(dueMs) && due >= 0 && due <= leaveNs)) throw notInBatch(dueMs, leaveNs)
    const kind = kindOf(error)
    this.#segments.fail(due, end, kind, ofClass)
    const { fail } = this.#channels
    if (fail.hasSubscribers) this.#channels.publishRequest(fail, dueMs, end / NS_PER_MS, className, kind)
  }

  rejected(dueMs: number, className?: string): void {
    // at once
    this.#leave(dueMs, dueMs, 'rejected', className, this.#channels.reject)
  }

  timedOut(dueMs: number, className?: string): void {
    this.#leave(dueMs, this.#clock(), 'timedOut', className, this.#channels.timeout)
  }

  aborted(dueMs: number, className?: string): void {
    this.#leave(dueMs, this.#clock(), 'aborted', className, this.#channels.abort)
  }

  #leave(
    dueMs: number,
    leftMs: number,
    outcome: RequestOutcome,
    className: string | undefined,
    channel: Channel,
  ): void {
    const ofClass = this.#numberOf(className)
    this.#check('dueMs', dueMs, 0)
    const due = nearest(dueMs * NS_PER_MS)
    const left = Math.max(due, nearest(leftMs * NS_PER_MS))
    this.#segments.advance(left)
    this.#segments.settle(due, left, outcome, ofClass)
    if (channel.hasSubscribers) this.#channels.publishRequest(channel, dueMs, leftMs, className)
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

/** The kind of a failure; null if it is not known why it failed. */
const kindOf = (error: unknown) => (error === undefined ? null : failureKind(error))

function noSuchClass(name: unknown, classes: readonly string[]): ValidationError {
  if (classes.length === 0) {
    return new ValidationError(
      'class',
      `must be omitted, since the recorder has no classes, ${got(name)}; name them when you create it: { classes: ['checkout', 'browse'] }`,
    )
  }
  const nearest = typeof name === 'string' ? nearestName(name, classes) : null
  const hint = suggest(nearest)
  return new ValidationError(
    'class',
    `must be a class of the recorder, ${got(name)}${hint}; classes: ${classes.join(', ')}`,
  )
}

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

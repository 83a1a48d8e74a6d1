import { locate } from '../../handler/module.js'
import { type BatchFunction, HANDLER_IS, type Handler, isHandler } from '../../scenario/handler.js'
import type { Duration } from '../../scenario/units.js'
import { isUrl } from '../../validation/realm.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import { createRecorder, type Recorder } from '../recorder/recorder.js'
import {
  type BatcherOptions,
  closeTimeoutNsOf,
  type RunOptions,
  resolveBatcherOptions,
  timeoutNsOf,
} from './batcher-options.js'
import { InProcess } from './in-process.js'
import { LiveBatcher } from './live-batcher.js'
import { OnThreads } from './on-threads.js'
import type { RecorderSink } from './recorder-sink.js'
import { SafeRecorderSink } from './safe-recorder-sink.js'
import type { Lost, Servers } from './servers.js'
import { LiveTime } from './time.js'

/** Groups calls into batches, as `createBatcher` makes it. */
export interface Batcher<Input, Output> extends AsyncDisposable {
  /**
   * Has the handler serve `input`, in a batch with others that come meanwhile.
   *
   * @returns resolves with the handler's output for this input. Rejects with the `Error` that the handler returned in
   * its place; with what the handler threw, for the whole of its batch; with a BatcherError where the queue is full
   * (`QUEUE_FULL`, at once), where it waited for too long (`QUEUE_TIMEOUT`), where the batcher is closed (`CLOSED`),
   * where the handler's outputs were not one a request (`BAD_OUTPUT`), where its batch took too long (`BATCH_TIMEOUT`), or
   * where the thread that served it ended (`THREAD_DIED`); with the signal's reason where it is aborted;
   * with a ValidationError where an option is none.
   */
  run(input: Input, options?: RunOptions): Promise<Output>
  /**
   * Throws what `run` would reject a call with that came now: the queue is full, the batcher is closed, or no server can
   * be made ready. A server that asks before it has read a request refuses it for a fraction of what reading takes: so it
   * goes on to answer others when far more come than it can serve. Whoever is refused counts as rejected.
   */
  admit(): void
  /**
   * Resolves when every server has loaded the handler and set it up; calls made before wait in the queue. Rejects with
   * what kept one from it.
   */
  ready(): Promise<void>
  /**
   * Takes no more calls; those that wait are served as servers become idle, none of them waiting for a batch to fill.
   * Resolves when all are settled, handlers are torn down and threads have ended; rejects with what a teardown threw.
   *
   * @param options.timeout what is not served by then is rejected with `CLOSED`, and its threads are ended. No limit
   * when left out.
   */
  close(options?: { timeout?: Duration | undefined }): Promise<void>
  /** How many calls wait for a server now. */
  readonly waiting: number
  /** How many calls are being served now. */
  readonly inService: number
  readonly closed: boolean
  /** Latency, wait and service of its calls; null where `recorder` was false, or no more than a RecorderSink. */
  readonly recorder: Recorder | null
}

/** What requests carry to a handler: of a handler, or of a module by `typeof import('./model.ts')`. */
export type InputOf<From> = Runs<From> extends (batch: (infer Input)[], ...rest: never[]) => unknown ? Input : unknown
/** What a handler answers to each of them. */
export type OutputOf<From> =
  Runs<From> extends (...args: never[]) => infer Outputs
    ? Awaited<Outputs> extends readonly (infer Output)[]
      ? Exclude<Output, Error>
      : unknown
    : unknown

type Runs<From> = From extends { default: infer Default } ? Runs<Default> : From extends { run: infer Run } ? Run : From

/**
 * Groups concurrent calls into batches in a live service, by the very policy that `simulate` and `measure` use, and
 * with options spelt as in their scenario.
 *
 * @param handler a function `(batch) => outputs`, or `defineHandler({ setup, run, teardown })`, that serves batches in
 * this process, up to `servers` of them side by side; its `input` is not used. Or the URL or path of a module whose
 * default export is one, which is loaded on `servers` threads: inputs and outputs are then structured clones.
 * @throws ValidationError naming the option, what was found there and what is accepted
 */
export function createBatcher<Input, Output, State = undefined>(
  handler: BatchFunction<Input, Output, undefined> | Handler<Input, Output, State>,
  options?: BatcherOptions,
): Batcher<Input, Output>
export function createBatcher<Module = unknown>(
  handler: URL | string,
  options?: BatcherOptions,
): Batcher<InputOf<Module>, OutputOf<Module>>
export function createBatcher<Input, Output>(handler: URL | string, options?: BatcherOptions): Batcher<Input, Output>
export function createBatcher(handler: unknown, options: BatcherOptions = {}): Batcher<never, unknown> {
  const { batching, policy, limits, servers, name, recorder, spinNs, ...timeouts } = resolveBatcherOptions(options)
  const { queue } = options
  const told = recorder === undefined ? createRecorder({ name, servers, batching, queue }) : recorder || null
  let live: LiveBatcher | null = null
  const lost = (server: number) => live?.lost(server)
  const serving = serversOf(handler, servers, timeouts, lost)
  const time = new LiveTime()
  const recording = told && new SafeRecorderSink(told, isRecorder(told), time.bind.bind(time))
  live = new LiveBatcher(policy, limits, serving, recording, time, spinNs)
  return new Live(live, isRecorder(told) ? told : null)
}

class Live implements Batcher<never, unknown> {
  readonly #live: LiveBatcher
  readonly recorder: Recorder | null

  constructor(live: LiveBatcher, recorder: Recorder | null) {
    this.#live = live
    this.recorder = recorder
  }

  run(input: unknown, options?: RunOptions): Promise<unknown> {
    if (options === undefined) return this.#live.run(input, null, undefined)
    try {
      const timeoutNs = timeoutNsOf(options)
      return this.#live.run(input, options.signal ?? null, timeoutNs)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  admit(): void {
    this.#live.admit()
  }

  ready(): Promise<void> {
    return this.#live.ready()
  }

  async close(options: { timeout?: Duration | undefined } = {}): Promise<void> {
    await this.#live.close(closeTimeoutNsOf(options))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get waiting(): number {
    return this.#live.waiting
  }
  get inService(): number {
    return this.#live.inService
  }
  get closed(): boolean {
    return this.#live.closed
  }
}

const isRecorder = (told: RecorderSink | null): told is Recorder => told !== null && 'snapshot' in told

type Timeouts = { batchTimeoutMs: number; setupTimeoutMs: number }

function serversOf(handler: unknown, servers: number, timeouts: Timeouts, lost: Lost): Servers {
  if (typeof handler === 'string' || isUrl(handler)) {
    return new OnThreads({ ...located(String(handler)), ...timeouts }, servers, lost)
  }
  if (!isHandler(handler)) throw new ValidationError('handler', `must be ${HANDLER_IS}, got ${show(handler)}`)
  return new InProcess(handler, servers, timeouts.setupTimeoutMs)
}

function located(handler: string): { url: string; path: string } {
  try {
    return locate(handler)
  } catch (error) {
    throw new ValidationError('handler', `${(error as Error).message}, got ${show(handler)}`, { cause: error })
  }
}

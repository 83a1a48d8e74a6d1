import { locate } from '../../handler/module.js'
import { type BatchFunction, HANDLER_IS, type Handler, isHandler } from '../../scenario/handler.js'
import type { Duration } from '../../scenario/units.js'
import { isUrl } from '../../validation/realm.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import { createRecorder, type Recorder } from '../recorder/recorder.js'
import {
  type AdmitOptions,
  admittedClassOf,
  type BatcherOptions,
  closeTimeoutNsOf,
  type RunOptions,
  resolveBatcherOptions,
  timeoutNsOf,
} from './batcher-options.js'
import { LiveBatcher } from './live-batcher.js'
import type { RecorderSink } from './recorder-sink.js'
import { SafeRecorderSink } from './safe-recorder-sink.js'
import { InProcess } from './servers/in-process.js'
import { ThreadServers } from './servers/on-threads.js'
import type { Servers } from './servers/servers.js'
import { LiveTime } from './time.js'

/** Groups calls into batches: what `createBatcher` returns. */
export interface Batcher<Input, Output> extends AsyncDisposable {
  /**
   * Calls the handler with `input`, in a batch with other calls.
   *
   * @returns the handler's output for this input
   * @throws Rejects with
   * - the `Error` that the handler returned for this input;
   * - what the handler threw, like all calls of its batch;
   * - a BatcherError if the call was not answered: see `BatcherErrorCode`;
   * - the reason of its signal, if that is aborted;
   * - a ValidationError if an option is invalid.
   */
  run(input: Input, options?: RunOptions): Promise<Output>
  /**
   * Throws what `run` would reject a call with that was made now: the queue is full, the batcher is closed, or no server
   * can be made ready. The call then counts as rejected. A service that asks before it reads a request refuses it at a
   * fraction of the cost of reading it, and so still answers others at a load far above what it can serve.
   *
   * @param options.class the class that it would have
   */
  admit(options?: AdmitOptions): void
  /**
   * Resolves when every server has loaded the handler and set it up; calls that are made before wait in the queue. Rejects
   * with the error of a server that could not be made ready.
   */
  ready(): Promise<void>
  /**
   * Takes no more calls. Calls that wait are served as servers become idle, without waiting for a batch to fill. Resolves
   * when all are settled, handlers are torn down and threads have exited; rejects with what a teardown threw.
   *
   * @param options.timeout how long that may take: the calls that are left then are rejected with `CLOSED`, and their
   * threads are terminated. Default: no limit.
   */
  close(options?: { timeout?: Duration | undefined }): Promise<void>
  /** How many calls are waiting for a server now. */
  readonly waiting: number
  /** How many calls are being served now. */
  readonly inService: number
  readonly closed: boolean
  /** Latency, wait and service of its calls; null if the `recorder` option was false or a plain RecorderSink. */
  readonly recorder: Recorder | null
}

/** The input of a handler, or of a handler module as `typeof import('./model.ts')`. */
export type InputOf<From> = Runs<From> extends (batch: (infer Input)[], ...rest: never[]) => unknown ? Input : unknown
/** The output of a handler for one input, or of a handler module. */
export type OutputOf<From> =
  Runs<From> extends (...args: never[]) => infer Outputs
    ? Awaited<Outputs> extends readonly (infer Output)[]
      ? Exclude<Output, Error>
      : unknown
    : unknown

type Runs<From> = From extends { default: infer Default } ? Runs<Default> : From extends { run: infer Run } ? Run : From

/**
 * Groups concurrent calls into batches in a live service, by the same policy as `simulate` and `measure`, and with the
 * options of their scenario.
 *
 * @param handler a function `(batch) => outputs`, or `defineHandler({ setup, run, teardown })`, that serves batches in
 * this process, up to `servers` at a time; its `input` is not used. Or the URL or path of a module whose default export
 * is one, which is loaded on `servers` threads: inputs and outputs are then structured clones.
 * @throws ValidationError if the handler or an option is invalid: it names the option, what was found and what is accepted
 *
 * @example
 * import { createBatcher } from 'throughline/serve'
 *
 * const findUsers = async (ids: number[]) => ids.map((id) => ({ id, name: `user ${id}` })) // one query for all ids
 * const users = createBatcher(findUsers, { batching: { maxBatchSize: 32, maxWait: '2ms' } })
 * const [ada, bob] = await Promise.all([users.run(1), users.run(2)])
 * console.log(ada.name, bob.name) // user 1 user 2
 * await users.close()
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
  const { batching, policy, limits, servers, name, classes, recorder, spinNs, ...timeouts } =
    resolveBatcherOptions(options)
  const { queue } = options
  const sink = recorder === undefined ? createRecorder({ name, servers, batching, queue, classes }) : recorder || null
  let live: LiveBatcher | null = null
  const onIdleExit = (server: number) => live?.handleServerExit(server)
  const serving = createServers(handler, servers, timeouts, onIdleExit)
  const time = new LiveTime()
  const safeSink = sink && new SafeRecorderSink(sink, isRecorder(sink), time)
  live = new LiveBatcher(policy, limits, serving, safeSink, time, spinNs)
  return new BatcherHandle(live, isRecorder(sink) ? sink : null)
}

/** The public side of a live batcher: checks the options of its methods. */
class BatcherHandle implements Batcher<never, unknown> {
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
      this.#checkClass(options.class)
      return this.#live.run(input, options.signal ?? null, timeoutNs, options.class)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  admit(options?: AdmitOptions): void {
    const className = options === undefined ? undefined : admittedClassOf(options)
    this.#checkClass(className)
    this.#live.admit(className)
  }

  /** Refuses a class that the recorder does not have. Any other sink takes all of them. */
  #checkClass(className: string | undefined): void {
    if (className !== undefined) this.recorder?.class(className)
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

const isRecorder = (sink: RecorderSink | null): sink is Recorder => sink !== null && 'snapshot' in sink

function createServers(
  handler: unknown,
  count: number,
  timeouts: { batchTimeoutMs: number; setupTimeoutMs: number },
  onIdleExit: (server: number) => void,
): Servers {
  if (typeof handler === 'string' || isUrl(handler)) {
    return new ThreadServers({ ...locateHandler(String(handler)), ...timeouts }, count, onIdleExit)
  }
  if (!isHandler(handler)) throw new ValidationError('handler', `must be ${HANDLER_IS}, got ${show(handler)}`)
  return new InProcess(handler, count, timeouts.setupTimeoutMs)
}

function locateHandler(handler: string): { url: string; path: string } {
  try {
    return locate(handler)
  } catch (error) {
    throw new ValidationError('handler', `${(error as Error).message}, got ${show(handler)}`, { cause: error })
  }
}

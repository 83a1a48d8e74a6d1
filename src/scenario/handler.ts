import { isFunction, isObject } from '../validation/realm.js'

/** The second argument of a handler. */
export interface HandlerContext<State = undefined> {
  /** the return value of `setup` on this thread */
  readonly state: State
  /** aborts if the batch takes longer than `batchTimeout` */
  readonly signal: AbortSignal
  /** the class of each request of the batch, in order, if the scenario, or a call of the batcher, has any */
  readonly classes?: readonly string[] | undefined
  /**
   * Marks the time at which the response to a request of the batch begins, such as the first token of a stream: its place in
   * the batch, from 0, or nothing for all of them. The Result has these times as `firstMs`; a live batcher does not record them.
   *
   * @example
   * ```ts
   * const run: BatchFunction = async (batch, { first }) => {
   *   await prefill(batch)
   *   first()
   *   return decode(batch)
   * }
   * ```
   */
  readonly first: (i?: number) => void
  /**
   * Marks the next event of the response to a request of the batch, such as a token of a stream: its place in the batch, from
   * 0, or nothing for all of them. The Result has the gaps between the events of each response as `betweenMs`. The first mark
   * is the beginning, as `first()` would set it. A live batcher does not record them.
   *
   * @example
   * ```ts
   * const run: BatchFunction = async (batch, { next }) => {
   *   for await (const tokens of generate(batch)) next()
   *   return batch
   * }
   * ```
   */
  readonly next: (i?: number) => void
}

/** One output per request, in order. An Error fails its request alone. */
export type Outputs<Output> = readonly (Output | Error)[] | PromiseLike<readonly (Output | Error)[]>

/** Serves a batch and returns one output per request. */
export type BatchFunction<Input = number, Output = unknown, State = undefined> = (
  batch: Input[],
  context: HandlerContext<State>,
) => Outputs<Output>

/** The parts of a handler. */
export interface HandlerParts<Input, Output, State> {
  /** Runs once on each thread before time 0. `run` gets its return value as `state`. */
  setup?: () => State | PromiseLike<State>
  /**
   * Creates a request's payload, outside the measured time. It is called before time 0 for 0, 1, 2, … up to `inputs`
   * payloads on each thread, which the requests then take in turn. Default: the payload is the request's number.
   */
  input?: (index: number) => Input
  /**
   * How many payloads to create and hold in memory.
   *
   * @default 1024
   */
  inputs?: number
  /** Serves a batch. */
  run: BatchFunction<Input, Output, State>
  /** Runs once on each thread at the end. */
  teardown?: (state: State) => unknown
}

/** A handler of batches, as `defineHandler` makes it. */
export interface Handler<Input = number, Output = unknown, State = undefined>
  extends HandlerParts<Input, Output, State> {}

/**
 * Declares a handler: the default export of a handler module, or the `handler` of a scenario. Types are inferred: `state`
 * from `setup`, and the batch from `input`.
 *
 * @example
 * const handler = defineHandler({
 *   setup: () => ({ factor: 2 }),
 *   input: (index) => index / 100,
 *   run: (batch, { state }) => batch.map((x) => state.factor * x),
 * })
 * const result = await measure({ arrivals: '200/s', handler, stop: { duration: '200ms' } })
 * result.counts.failed // 0
 */
export function defineHandler<Output, State = undefined, Input = number>(
  parts: HandlerParts<Input, Output, State>,
): Handler<Input, Output, State> {
  return parts
}

export const HANDLER_IS =
  'the URL or path of a module, or a function (batch) => outputs or defineHandler({ run, … }) to serve batches in this process'

/** Whether a handler is a URL and not a path; a single letter before the colon is a Windows drive. */
export const isUrlString = (handler: string) => /^[a-z][a-z\d+.-]+:/i.test(handler)

/** Whether a value serves batches in this process. */
export const isHandler = (value: unknown) => isFunction(value) || (isObject(value) && isFunction(value.run))

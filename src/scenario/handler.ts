/** What a handler gets beside its batch. */
export interface HandlerContext<State = undefined> {
  /** what `setup` returned, on this thread */
  readonly state: State
  /** aborts when the batch has taken longer than `batchTimeout` */
  readonly signal: AbortSignal
}

/** One output a request, in order; an Error is the failure of its request alone. */
export type Outputs<Output> = readonly (Output | Error)[] | PromiseLike<readonly (Output | Error)[]>

/** Serves a batch, and returns one output for each of its requests. */
export type BatchFunction<Input = number, Output = unknown, State = undefined> = (
  batch: Input[],
  context: HandlerContext<State>,
) => Outputs<Output>

/** How batches are served, in parts. */
export interface HandlerParts<Input, Output, State> {
  /** Called once on each thread, before time 0; what it returns is the `state` that `run` gets. */
  setup?: () => State | PromiseLike<State>
  /**
   * Makes a request's payload, outside the measured time: called before time 0 for 0, 1, 2 …, up to `inputs` of them
   * on each thread, which the requests then take in turn. Without it a batch holds the requests' numbers.
   */
  input?: (index: number) => Input
  /** How many payloads are made and held in memory. Default 1,024. */
  inputs?: number
  run: BatchFunction<Input, Output, State>
  /** Called once on each thread at the end. */
  teardown?: (state: State) => unknown
}

export interface Handler<Input = number, Output = unknown, State = undefined>
  extends HandlerParts<Input, Output, State> {}

/**
 * Declares a handler, the default export of a handler module or the `handler` of a scenario itself; types infer from
 * `setup` to `state` and from `input` to the batch.
 */
export function defineHandler<Output, State = undefined, Input = number>(
  parts: HandlerParts<Input, Output, State>,
): Handler<Input, Output, State> {
  return parts
}

export const HANDLER_IS =
  'the URL or path of a module, or a function (batch) => outputs or defineHandler({ run, … }) that serves batches in this process'

const isFunction = (value: unknown) => typeof value === 'function'

/** Whether a value serves batches in this process. */
export const isHandler = (value: unknown) =>
  isFunction(value) || (typeof value === 'object' && value !== null && isFunction((value as { run?: unknown }).run))

import { show } from '../scenario/error.js'

/** What a handler gets beside its batch. */
export interface HandlerContext<State = undefined> {
  /** what `setup` returned on this thread */
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
 * Declares a handler, the default export of a handler module; types infer from `setup` to `state` and from `input`
 * to the batch.
 */
export function defineHandler<Output, State = undefined, Input = number>(
  parts: HandlerParts<Input, Output, State>,
): Handler<Input, Output, State> {
  return parts
}

const INPUTS = 1024
const ACCEPTED =
  'accepted is a default export that is a function (batch, { signal }) => outputs, or defineHandler({ setup, input, run, teardown })'

/** A handler as the threads call it. */
export interface AnyHandler extends HandlerParts<unknown, unknown, unknown> {
  inputs: number
}

/**
 * Reads what a module exports into a handler.
 *
 * @throws TypeError saying what was found and what is accepted
 */
export function handlerOf(exported: unknown): AnyHandler {
  if (typeof exported === 'function') return { run: exported as AnyHandler['run'], inputs: INPUTS }
  if (exported === undefined) throw new TypeError(`it has no default export; ${ACCEPTED}`)
  if (typeof exported !== 'object' || exported === null || !('run' in exported)) {
    throw new TypeError(`its default export is no handler (${show(exported)}); ${ACCEPTED}`)
  }
  const parts = exported as HandlerParts<unknown, unknown, unknown>
  for (const part of ['setup', 'input', 'run', 'teardown'] as const) {
    if (parts[part] !== undefined && typeof parts[part] !== 'function') {
      throw new TypeError(`the ${part} of its handler must be a function, got ${show(parts[part])}; ${ACCEPTED}`)
    }
  }
  if (parts.run === undefined) throw new TypeError(`its handler has no run; ${ACCEPTED}`)
  const { inputs = INPUTS } = parts
  if (!Number.isInteger(inputs) || inputs < 1) {
    throw new TypeError(`the inputs of its handler must be a whole number of at least 1, got ${show(inputs)}`)
  }
  // bound, so that an object of a class may be a handler
  return {
    ...(parts.setup && { setup: parts.setup.bind(parts) }),
    ...(parts.input && { input: parts.input.bind(parts) }),
    ...(parts.teardown && { teardown: parts.teardown.bind(parts) }),
    run: parts.run.bind(parts),
    inputs,
  }
}

import { setTimer } from '../clock/timer.js'
import type { HandlerContext } from '../scenario/handler.js'
import { isError } from '../validation/realm.js'

/** What records the beginnings of responses, and their events. */
export interface ResponseMarks {
  /** Marks the beginning of the response to request `i` of the batch, or to all of them. */
  first(i: number | undefined, context: BatchContext): void
  /** Marks the next event of it. */
  next(i: number | undefined, context: BatchContext): void
}

/** In a live batcher, they are not recorded. */
const UNMARKED: ResponseMarks = { first() {}, next() {} }

/** What a handler gets with a batch. What most handlers never use is created when it is first read. */
export class BatchContext implements HandlerContext<unknown> {
  readonly state: unknown
  /** the class of each request, in order; empty if requests have no classes */
  readonly classes: readonly string[]
  readonly #marks: ResponseMarks
  #controller: AbortController | undefined
  #first: ((i?: number) => void) | undefined
  #next: ((i?: number) => void) | undefined

  constructor(state: unknown, classes: readonly string[] = [], marks = UNMARKED) {
    this.state = state
    this.classes = classes
    this.#marks = marks
  }

  /** The class of a request that is served alone; undefined if it has none. */
  get class(): string | undefined {
    return this.classes[0]
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Bound, so that a handler may take it out of its context. */
  get first(): (i?: number) => void {
    this.#first ??= (i) => this.#marks.first(i, this)
    return this.#first
  }
  get next(): (i?: number) => void {
    this.#next ??= (i) => this.#marks.next(i, this)
    return this.#next
  }

  static abort(context: BatchContext, reason: Error): void {
    context.#controller ??= new AbortController()
    context.#controller.abort(reason)
  }
}

export function isPromise(outputs: unknown): outputs is PromiseLike<readonly unknown[]> {
  return typeof (outputs as { then?: unknown } | null | undefined)?.then === 'function'
}

/** Returns a promise for a thenable, which itself could settle with another thenable, throw, or settle twice. */
export const toNativePromise = <Value>(value: PromiseLike<Value>): PromiseLike<Value> =>
  value instanceof Promise ? value : Promise.resolve(value)

/** What `settle` resolves with if the run ends first: the requests of the batch stay unfinished. */
export const ABANDONED = Symbol('the run is over')

/** The error of work that took longer than its time limit. */
export class TimeoutError extends Error {
  /** the kind by which failures are counted */
  readonly kind = 'timeout'
}

/** The error of a batch that took longer than `batchTimeout`. */
export class BatchTimeoutError extends TimeoutError {
  constructor(timeoutMs: number) {
    super(`run took longer than ${timeoutMs} ms (batchTimeout)`)
  }
}

/**
 * Awaits the outputs of a batch, for at most `batchTimeout` and until the run is over. A promise that settles later is
 * ignored.
 */
export function settle(
  outputs: PromiseLike<readonly unknown[]>,
  context: BatchContext,
  timeoutMs: number,
  leftMs: number,
): Promise<readonly unknown[] | typeof ABANDONED> {
  return new Promise((resolve, reject) => {
    const late = () => {
      const over = leftMs < timeoutMs
      const reason = over ? new Error('the run is over') : new BatchTimeoutError(timeoutMs)
      BatchContext.abort(context, reason)
      if (over) resolve(ABANDONED)
      else reject(reason)
    }
    const timer = setTimer(late, Math.min(timeoutMs, Math.max(0, leftMs)), { real: true })
    toNativePromise(outputs).then(
      (value) => {
        timer.clear()
        resolve(value)
      },
      (error: unknown) => {
        timer.clear()
        reject(error)
      },
    )
  })
}

/**
 * Checks that there is one output for each request of a batch, and that none is a promise, which would count as served
 * at once.
 *
 * @throws TypeError if they are not
 */
export function checkOutputs(outputs: unknown, size: number): asserts outputs is readonly unknown[] {
  if (!Array.isArray(outputs)) {
    throw new TypeError(`run must return an array with one output for each request, got ${kindOf(outputs)}`)
  }
  if (outputs.length !== size) {
    throw new TypeError(`run must return one output for each request, got ${outputs.length} for a batch of ${size}`)
  }
  for (let i = 0; i < size; i++) {
    const output: unknown = outputs[i]
    if (typeof output === 'object' && output !== null && isPromise(output)) refusePromises(outputs)
  }
}

function refusePromises(outputs: readonly unknown[]): never {
  // their batch fails with this error: if they reject as well, that must not end the process
  for (const output of outputs) if (isPromise(output)) Promise.resolve(output).catch(() => {})
  throw new TypeError('run must return outputs, not promises; await them first: Promise.all(outputs)')
}

/**
 * Counts the outputs of a batch that are failures, and marks them in `failed`.
 *
 * @param markOf the mark of a failure: 1 to 255
 * @throws TypeError if there is not one output for each request
 */
export function failuresIn(
  outputs: unknown,
  size: number,
  failed: Uint8Array,
  markOf: (error: unknown) => number = () => 1,
): number {
  checkOutputs(outputs, size)
  let failures = 0
  for (let i = 0; i < size; i++) {
    const failure = isError(outputs[i])
    failed[i] = failure ? markOf(outputs[i]) : 0
    if (failure) failures++
  }
  return failures
}

const kindOf = (value: unknown) =>
  value === undefined
    ? 'nothing'
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`

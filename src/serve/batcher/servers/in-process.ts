import { type AnyHandler, handlerOf } from '../../../handler/handler.js'
import { prepare } from '../../../handler/prepare.js'
import { BatchContext, isPromise, toNativePromise } from '../../../handler/serving.js'
import type { LiveBatch } from '../live-batch.js'
import type { Servers } from './servers.js'
import { setupError, withSetupTimeout } from './setup.js'

/** Servers of a handler in this process: it is set up once, and serves `count` batches at a time. */
export class InProcess implements Servers {
  readonly count: number
  readonly inThisProcess = true
  readonly #handler: AnyHandler
  readonly #setupTimeoutMs: number
  #state: unknown = undefined
  #ready: boolean
  #preparing: Promise<void> | null = null

  /** @param handler a function, or what `defineHandler` returns */
  constructor(handler: unknown, count: number, setupTimeoutMs: number) {
    this.count = count
    this.#handler = handlerOf(handler)
    this.#setupTimeoutMs = setupTimeoutMs
    this.#ready = this.#handler.setup === undefined
  }

  prepare(): Promise<void> | null {
    if (this.#ready) return null
    this.#preparing ??= this.#setUp().finally(() => {
      this.#preparing = null
    })
    return this.#preparing
  }

  async #setUp(): Promise<void> {
    const ready = await withSetupTimeout(
      prepare(async () => this.#handler, false),
      this.#setupTimeoutMs,
    )
    if ('unready' in ready) throw setupError('the handler', ready.unready)
    this.#state = ready.state
    this.#ready = true
  }

  serve(batch: LiveBatch, inputs: unknown[]): void {
    const context = new BatchContext(this.#state, batch.classes)
    try {
      const outputs: unknown = this.#handler.run(inputs, context)
      if (!isPromise(outputs)) {
        batch.answer(outputs)
        return
      }
      batch.context = context
      toNativePromise(outputs).then(
        (settled) => batch.answer(settled),
        (error: unknown) => batch.fail(error),
      )
    } catch (error) {
      batch.fail(error)
    }
  }

  giveUp({ context }: LiveBatch, reason: Error): void {
    if (context !== null) BatchContext.abort(context, reason)
  }

  async close(): Promise<void> {
    const { teardown } = this.#handler
    if (!this.#ready || teardown === undefined) return
    await withSetupTimeout((async () => teardown(this.#state))(), this.#setupTimeoutMs)
  }
}

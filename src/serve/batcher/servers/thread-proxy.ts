import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { now } from '../../../clock/clock.js'
import { real } from '../../../clock/real.js'
import { setTimer, type Timer } from '../../../clock/timer.js'
import type { Unready } from '../../../handler/prepare.js'
import { ENTRY, startPool, taskOf } from '../../../threads/thread.js'
import { isError } from '../../../validation/realm.js'
import { BatcherError } from '../batcher-error.js'
import type { LiveBatch } from '../live-batch.js'
import { deserializeError } from './serialized-error.js'
import { setupError, withSetupTimeout } from './setup.js'
import type { ServeTask, ThreadRequest, ThreadResponse } from './thread-messages.js'

/** How long a thread may continue a batch that was given up, before it is terminated. */
const GRACE_MS = 1000
const TASK = new URL('./server-thread.js', import.meta.url)

export interface ThreadSettings {
  /** the URL of the handler's module */
  url: string
  /** its path, for messages */
  path: string
  batchTimeoutMs: number
  setupTimeoutMs: number
}

/**
 * Represents the thread of one server, which is replaced when it exits. Batches and answers go over a port of their own:
 *
 *     this thread                              the server's thread
 *     serve   -- { inputs, classes } ------->  the handler runs
 *     answer  <- { startNs, outputs, errors }  or { error }, { badOutput }, { timeout }
 *     close   -- { teardown: true } -------->  the handler tears down
 */
export class ThreadProxy {
  readonly #settings: ThreadSettings
  readonly #onIdleExit: () => void
  #pool: Piscina | null = null
  /** null while the thread is not ready */
  #port: MessagePort | null = null
  #worker: Worker | null = null
  /** what the thread threw and did not catch */
  #uncaught: unknown
  #batch: LiveBatch | null = null
  /** for each input of the batch, why it could not be sent, or null if it was; null if all were sent */
  #sendErrors: (Error | null)[] | null = null
  /** resolves what waits for the thread to be done with a batch that was given up */
  #release: (() => void) | null = null
  #grace: Timer | undefined
  #onTeardown: ((error: Error | null) => void) | null = null
  #closed = false

  /** @param onIdleExit called when the thread has exited while it served no batch */
  constructor(settings: ThreadSettings, onIdleExit: () => void) {
    this.#settings = settings
    this.#onIdleExit = onIdleExit
  }

  prepare(): Promise<void> | null {
    if (this.#port === null) return this.#start()
    if (this.#batch === null) return null
    // its batch was given up, but the thread is still busy with it
    const released = new Promise<void>((resolve) => {
      this.#release = resolve
    })
    return released.then(() => this.prepare() ?? undefined)
  }

  async #start(): Promise<void> {
    if (this.#pool === null || this.#pool.threads.length === 0) {
      await this.#pool?.destroy()
      this.#pool = await startPool(1)
    }
    const pool = this.#pool
    if (this.#closed) {
      await pool.destroy()
      throw new Error('the batcher was closed')
    }
    const { port1, port2 } = new MessageChannel()
    const worker = pool.threads[0] as Worker
    this.#watch(worker)
    const { url, path, batchTimeoutMs, setupTimeoutMs } = this.#settings
    const task: ServeTask = { port: port2, handler: url, batchTimeoutMs }
    let unready: Unready | null
    try {
      const starting = pool.run(taskOf(TASK, 'serveOnThread', task), { ...ENTRY, transferList: [port2] })
      unready = await withSetupTimeout<Unready | null>(starting, setupTimeoutMs, { real: true })
    } catch (error) {
      port1.close()
      this.#pool = null
      await pool.destroy()
      throw new Error(`handler ${path}: ${(error as Error).message}`, { cause: error })
    }
    if (unready !== null) {
      port1.close()
      throw setupError(`handler ${path}`, unready)
    }
    port1.on('message', this.#onMessage)
    port1.unref()
    this.#port = port1
  }

  #watch(worker: Worker): void {
    if (this.#worker === worker) return
    this.#worker = worker
    this.#uncaught = undefined
    worker.once('error', (error) => {
      if (this.#worker === worker) this.#uncaught = error
    })
    worker.once('exit', (code) => {
      if (this.#worker === worker) this.#onExit(code)
    })
  }

  #onExit(code: number): void {
    this.#worker = null
    const port = this.#port
    if (port === null) return
    port.close()
    this.#port = null
    this.#grace?.clear()
    if (this.#closed) return
    const cause = this.#uncaught
    const why = cause === undefined ? `it exited with code ${code}` : String((cause as Error)?.message ?? cause)
    const message = `the thread of handler ${this.#settings.path} ended: ${why}`
    const error = new BatcherError('THREAD_DIED', message, { cause })
    const batch = this.#takeBatch()
    if (batch === null) this.#onIdleExit()
    else batch.fail(error)
  }

  /** Takes the batch from the thread, which is done with it. */
  #takeBatch(): LiveBatch | null {
    const batch = this.#batch
    this.#batch = null
    this.#sendErrors = null
    this.#release?.()
    this.#release = null
    return batch
  }

  serve(batch: LiveBatch, inputs: unknown[]): void {
    const port = this.#port
    if (port === null) {
      const message = `the thread of handler ${this.#settings.path} ended before the batch started`
      batch.fail(new BatcherError('THREAD_DIED', message))
      return
    }
    this.#batch = batch
    port.ref()
    try {
      port.postMessage({ inputs, classes: batch.classes } satisfies ThreadRequest)
    } catch (error) {
      this.#sendCloneable(port, batch, inputs, error)
    }
  }

  /** Sends the inputs that can be cloned, if not all can: only the others fail. */
  #sendCloneable(port: MessagePort, batch: LiveBatch, inputs: unknown[], thrown: unknown): void {
    const sendErrors = inputs.map(cloneError)
    const isCloneable = (_: unknown, i: number) => sendErrors[i] === null
    const cloneable = inputs.filter(isCloneable)
    let failure = thrown
    if (cloneable.length > 0 && cloneable.length < inputs.length) {
      try {
        port.postMessage({ inputs: cloneable, classes: batch.classes.filter(isCloneable) } satisfies ThreadRequest)
        this.#sendErrors = sendErrors
        return
      } catch (error) {
        failure = error
      }
    }
    this.#batch = null
    port.unref()
    if (cloneable.length === 0) batch.answer(sendErrors)
    else batch.fail(failure)
  }

  #onMessage = (response: ThreadResponse): void => {
    if ('teardown' in response) {
      this.#onTeardown?.(response.teardown)
      return
    }
    const sendErrors = this.#sendErrors
    this.#grace?.clear()
    this.#port?.unref()
    const batch = this.#takeBatch()
    if (batch === null) return
    // the clocks of two threads differ, their durations do not
    const nowNs = now() * 1e6
    const tookNs = Number(real.hrtimeNs()) - response.startNs
    batch.startNs = Math.min(Math.max(batch.startNs, nowNs - tookNs), nowNs)
    if ('error' in response) batch.fail(deserializeError(response.error))
    else if ('timeout' in response) batch.fail(new BatcherError('BATCH_TIMEOUT', response.timeout))
    else if ('badOutput' in response) batch.fail(new BatcherError('BAD_OUTPUT', response.badOutput))
    else {
      const { outputs } = response
      for (const { index, error } of response.errors) outputs[index] = deserializeError(error)
      batch.answer(sendErrors === null ? outputs : mergeOutputs(sendErrors, outputs))
    }
  }

  /** Terminates the thread, unless it is done with its batch within the grace period. */
  giveUp(): void {
    this.#grace = setTimer(() => void this.#worker?.terminate(), GRACE_MS, { real: true })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#grace?.clear()
    try {
      if (this.#port !== null && this.#batch === null) await this.#tearDown(this.#port)
    } finally {
      this.#port?.close()
      await this.#pool?.destroy()
    }
  }

  async #tearDown(port: MessagePort): Promise<void> {
    const tornDown = new Promise<Error | null>((resolve) => {
      this.#onTeardown = resolve
    })
    port.ref()
    port.postMessage({ teardown: true } satisfies ThreadRequest)
    const error = await withSetupTimeout(tornDown, this.#settings.setupTimeoutMs, { real: true })
    if (error !== null) throw error
  }
}

/** Returns why an input cannot be sent to a thread; null if it can. */
function cloneError(input: unknown): Error | null {
  try {
    structuredClone(input)
    return null
  } catch (error) {
    return isError(error) ? error : new Error(String(error))
  }
}

/** Puts the outputs of the inputs that were sent between the errors of those that were not. */
function mergeOutputs(sendErrors: (Error | null)[], outputs: unknown[]): unknown[] {
  let sent = 0
  return sendErrors.map((error) => error ?? outputs[sent++])
}

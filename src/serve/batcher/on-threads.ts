import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { now } from '../../clock/clock.js'
import { real } from '../../clock/real.js'
import { setTimer, type Timer } from '../../clock/timer.js'
import type { Unready } from '../../handler/prepare.js'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'
import { isError } from '../../validation/realm.js'
import { BatcherError } from './batcher-error.js'
import type { Flight } from './in-flight-batch.js'
import { type Answer, type AttendTask, type Question, unpack } from './messages.js'
import type { Lost, Servers } from './servers.js'
import { setupError, withSetupTimeout } from './setup.js'

/** A thread that is still blocked so long after its batch was given up is ended. */
const GRACE_MS = 1000

export interface ThreadSettings {
  /** the handler's module, and how messages call it */
  url: string
  path: string
  batchTimeoutMs: number
  setupTimeoutMs: number
}

/** A handler's module on threads, one for each server. */
export class OnThreads implements Servers {
  readonly count: number
  readonly inThisProcess = false
  readonly #threads: ServerThread[]

  /** @param lost called when the thread of an idle server has ended */
  constructor(settings: ThreadSettings, count: number, lost: Lost) {
    this.count = count
    this.#threads = Array.from({ length: count }, (_, server) => new ServerThread(settings, () => lost(server)))
  }

  prepare(server: number): Promise<void> | null {
    return (this.#threads[server] as ServerThread).prepare()
  }

  serve(flight: Flight, inputs: unknown[]): void {
    ;(this.#threads[flight.server] as ServerThread).serve(flight, inputs)
  }

  giveUp({ server }: Flight): void {
    ;(this.#threads[server] as ServerThread).giveUp()
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#threads.map((thread) => thread.close()))
    for (const each of closed) if (each.status === 'rejected') throw each.reason
  }
}

/** One server's thread, and the next where it ends: batches and answers go over a port of their own. */
class ServerThread {
  readonly #settings: ThreadSettings
  readonly #lost: () => void
  #pool: Piscina | null = null
  /** null while it is not ready */
  #port: MessagePort | null = null
  #worker: Worker | null = null
  /** what the thread threw where nobody caught it */
  #thrown: unknown
  #flight: Flight | null = null
  /** why inputs of its batch could not be sent; null for those that were */
  #unsent: unknown[] | null = null
  #release: (() => void) | null = null
  #grace: Timer | undefined
  #tornDown: ((error: Error | null) => void) | null = null
  #closed = false

  constructor(settings: ThreadSettings, lost: () => void) {
    this.#settings = settings
    this.#lost = lost
  }

  prepare(): Promise<void> | null {
    if (this.#port === null) return this.#start()
    if (this.#flight === null) return null
    // its batch was given up, but it is still at it
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
      throw new Error('it was closed')
    }
    const { port1, port2 } = new MessageChannel()
    const worker = pool.threads[0] as Worker
    this.#watch(worker)
    const { url, path, batchTimeoutMs, setupTimeoutMs } = this.#settings
    const task: AttendTask = { port: port2, handler: url, batchTimeoutMs }
    let found: Unready | null
    try {
      const attending = pool.run(taskOf(SERVER, 'attend', task), { ...ENTRY, transferList: [port2] })
      found = await withSetupTimeout<Unready | null>(attending, setupTimeoutMs, { real: true })
    } catch (error) {
      port1.close()
      this.#pool = null
      await pool.destroy()
      throw new Error(`handler ${path}: ${(error as Error).message}`, { cause: error })
    }
    if (found !== null) {
      port1.close()
      throw setupError(`handler ${path}`, found)
    }
    port1.on('message', this.#heard)
    port1.unref()
    this.#port = port1
  }

  #watch(worker: Worker): void {
    if (this.#worker === worker) return
    this.#worker = worker
    this.#thrown = undefined
    worker.once('error', (error) => {
      if (this.#worker === worker) this.#thrown = error
    })
    worker.once('exit', (code) => {
      if (this.#worker === worker) this.#died(code)
    })
  }

  #died(code: number): void {
    this.#worker = null
    const port = this.#port
    if (port === null) return
    port.close()
    this.#port = null
    this.#grace?.clear()
    if (this.#closed) return
    const thrown = this.#thrown
    const why = thrown === undefined ? `it exited with code ${code}` : String((thrown as Error)?.message ?? thrown)
    const message = `the thread of handler ${this.#settings.path} ended: ${why}`
    const error = new BatcherError('THREAD_DIED', message, { cause: thrown })
    const flight = this.#flight
    this.#flight = null
    this.#unsent = null
    this.#free()
    if (flight === null) this.#lost()
    else flight.failed(error)
  }

  /** Who waits for it need not wait for its batch any more. */
  #free(): void {
    this.#release?.()
    this.#release = null
  }

  serve(flight: Flight, inputs: unknown[]): void {
    const port = this.#port
    if (port === null) {
      const message = `the thread of handler ${this.#settings.path} ended before it began`
      flight.failed(new BatcherError('THREAD_DIED', message))
      return
    }
    this.#flight = flight
    port.ref()
    try {
      port.postMessage({ inputs } satisfies Question)
    } catch (error) {
      this.#sendRest(port, flight, inputs, error)
    }
  }

  /** Not all can be sent: those that cannot fail alone. */
  #sendRest(port: MessagePort, flight: Flight, inputs: unknown[], thrown: unknown): void {
    const unsent = inputs.map(whyUnsendable)
    const sendable = inputs.filter((_, i) => unsent[i] === null)
    let why = thrown
    if (sendable.length > 0 && sendable.length < inputs.length) {
      try {
        port.postMessage({ inputs: sendable } satisfies Question)
        this.#unsent = unsent
        return
      } catch (error) {
        why = error
      }
    }
    this.#flight = null
    port.unref()
    if (sendable.length === 0) flight.answered(unsent)
    else flight.failed(why)
  }

  #heard = (answer: Answer): void => {
    if ('teardown' in answer) {
      this.#tornDown?.(answer.teardown)
      return
    }
    const flight = this.#flight
    const unsent = this.#unsent
    this.#flight = null
    this.#unsent = null
    this.#grace?.clear()
    this.#port?.unref()
    this.#free()
    if (flight === null) return
    const nowNs = now() * 1e6
    const tookNs = Number(real.hrtimeNs()) - answer.startNs
    flight.startNs = Math.min(Math.max(flight.startNs, nowNs - tookNs), nowNs)
    if ('error' in answer) flight.failed(unpack(answer.error))
    else if ('late' in answer) flight.failed(new BatcherError('BATCH_TIMEOUT', answer.late))
    else if ('badOutput' in answer) flight.failed(new BatcherError('BAD_OUTPUT', answer.badOutput))
    else {
      const { outputs } = answer
      for (const carried of answer.errors) outputs[carried.index] = unpack(carried)
      flight.answered(unsent === null ? outputs : merged(unsent, outputs))
    }
  }

  /** Its thread is ended, unless it is done soon. */
  giveUp(): void {
    this.#grace = setTimer(() => void this.#worker?.terminate(), GRACE_MS, { real: true })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#grace?.clear()
    try {
      if (this.#port !== null && this.#flight === null) await this.#tearDown(this.#port)
    } finally {
      this.#port?.close()
      await this.#pool?.destroy()
    }
  }

  async #tearDown(port: MessagePort): Promise<void> {
    const tornDown = new Promise<Error | null>((resolve) => {
      this.#tornDown = resolve
    })
    port.ref()
    port.postMessage({ teardown: true } satisfies Question)
    const error = await withSetupTimeout(tornDown, this.#settings.setupTimeoutMs, { real: true })
    if (error !== null) throw error
  }
}

const SERVER = new URL('./thread-server.js', import.meta.url)

/** Why an input cannot be sent to a thread; null where it can. */
function whyUnsendable(input: unknown): Error | null {
  try {
    structuredClone(input)
    return null
  } catch (error) {
    return isError(error) ? error : new Error(String(error))
  }
}

function merged(unsent: unknown[], outputs: unknown[]): unknown[] {
  let sent = 0
  return unsent.map((why) => why ?? outputs[sent++])
}

import { checkOutputs } from '../../handler/serving.js'
import { NS_PER_MS, nearest } from '../../scenario/nanoseconds.js'
import { isError } from '../../validation/realm.js'
import { BatcherError } from './batcher-error.js'
import type { LiveBatch } from './live-batch.js'
import type { RecorderSink } from './recorder-sink.js'
import type { Request } from './request.js'

/** Settles requests: records the outcome of each, and then resolves or rejects its promise. */
export class Settlement {
  readonly #recorder: RecorderSink | null

  constructor(recorder: RecorderSink | null) {
    this.#recorder = recorder
  }

  /** Settles the requests of a batch with the handler's outputs. */
  answer(batch: LiveBatch, outputs: unknown, endNs: number): void {
    const { requests } = batch
    try {
      checkOutputs(outputs, requests.length)
    } catch (error) {
      this.fail(batch, new BatcherError('BAD_OUTPUT', (error as Error).message), endNs)
      return
    }
    this.#recordBatch(batch, endNs)
    const recorder = this.#recorder
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as Request
      if (!request.pending) continue
      const output = outputs[i]
      if (isFailure(output)) {
        recorder?.failed(request.dueNs / NS_PER_MS, output, request.className)
        request.close()
        request.reject(output)
      } else {
        recorder?.served(request.dueNs / NS_PER_MS, request.className)
        request.close()
        request.resolve(output)
      }
    }
  }

  /** Rejects all requests of a batch. */
  fail(batch: LiveBatch, error: unknown, endNs: number): void {
    this.#recordBatch(batch, endNs)
    for (const request of batch.requests) {
      if (!request.pending) continue
      this.#recorder?.failed(request.dueNs / NS_PER_MS, error, request.className)
      request.close()
      request.reject(error)
    }
  }

  #recordBatch({ requests, idleNs, leaveNs, startNs }: LiveBatch, endNs: number): void {
    this.#recorder?.batch(
      requests.length,
      idleNs / NS_PER_MS,
      leaveNs / NS_PER_MS,
      startNs / NS_PER_MS,
      endNs / NS_PER_MS,
    )
  }

  /** Rejects a request that was waiting, with an error of its batcher. */
  reject(request: Request, error: unknown): void {
    this.#recorder?.rejected(request.dueNs / NS_PER_MS, request.className)
    request.close()
    request.reject(error)
  }

  /** Rejects a request that has waited until its timeout. */
  timeOut(request: Request, timeoutNs: number): void {
    this.#recorder?.timedOut(request.dueNs / NS_PER_MS, request.className)
    request.close()
    const waitedMs = nearest(timeoutNs - request.dueNs) / NS_PER_MS
    request.reject(new BatcherError('QUEUE_TIMEOUT', `timed out after waiting ${waitedMs} ms for a server`))
  }

  /** Rejects a request whose signal was aborted. */
  abort(request: Request, reason: unknown): void {
    this.#recorder?.aborted(request.dueNs / NS_PER_MS, request.className)
    request.close()
    request.reject(reason)
  }
}

/** Returns whether an output is the failure of its request. A proxy may throw when it is asked: that counts as one. */
function isFailure(output: unknown): output is Error {
  if (typeof output !== 'object') return false
  try {
    return isError(output)
  } catch {
    return true
  }
}

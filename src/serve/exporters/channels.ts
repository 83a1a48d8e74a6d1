import { type Channel, channel } from 'node:diagnostics_channel'

/** The message on `throughline:batch`: a batch ended. Times are milliseconds of `performance.now()`. */
export interface BatchMessage {
  /** name of the recorder */
  name: string
  size: number
  /** since when its server had been idle */
  idleMs: number
  /** when it left the queue */
  leaveMs: number
  startMs: number
  endMs: number
}

/**
 * The message on `throughline:fail`, `throughline:reject`, `throughline:timeout` and `throughline:abort`: a request was not
 * answered. Times are milliseconds of `performance.now()`.
 */
export interface RequestMessage {
  /** name of the recorder */
  name: string
  dueMs: number
  /** when it failed, was rejected, timed out or was aborted */
  atMs: number
  /** its class, if it was given one */
  class?: string
  /** its kind of failure, as in `failures` of a Result, if it failed with an error */
  kind?: string
}

const batch = channel('throughline:batch')
const fail = channel('throughline:fail')
const reject = channel('throughline:reject')
const timeout = channel('throughline:timeout')
const abort = channel('throughline:abort')

/** The channels of a recorder on `node:diagnostics_channel`. Publish only if a channel has subscribers. */
export interface Channels {
  readonly batch: Channel
  readonly fail: Channel
  readonly reject: Channel
  readonly timeout: Channel
  readonly abort: Channel
  publishBatch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void
  publishRequest(channel: Channel, dueMs: number, atMs: number, className?: string, kind?: string | null): void
}

export const channelsOf = (name: string): Channels => ({
  ...{ batch, fail, reject, timeout, abort },
  publishBatch(size, idleMs, leaveMs, startMs, endMs) {
    batch.publish({ name, size, idleMs, leaveMs, startMs, endMs } satisfies BatchMessage)
  },
  publishRequest(channel, dueMs, atMs, className, kind = null) {
    channel.publish({
      ...{ name, dueMs, atMs },
      ...(className !== undefined && { class: className }),
      ...(kind !== null && { kind }),
    } satisfies RequestMessage)
  },
})

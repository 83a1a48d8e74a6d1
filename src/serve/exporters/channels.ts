import { type Channel, channel } from 'node:diagnostics_channel'

/** A batch that ended, in milliseconds of `performance.now()`: on `throughline:batch`. */
export interface BatchMessage {
  /** of the recorder */
  name: string
  size: number
  /** since when its server had been idle, and when it left the queue, started and ended */
  idleMs: number
  leaveMs: number
  startMs: number
  endMs: number
}

/** A request that was not answered: on `throughline:fail`, `throughline:reject`, `throughline:timeout`, `throughline:abort`. */
export interface RequestMessage {
  /** of the recorder */
  name: string
  dueMs: number
  atMs: number
}

const batch = channel('throughline:batch')
const fail = channel('throughline:fail')
const reject = channel('throughline:reject')
const timeout = channel('throughline:timeout')
const abort = channel('throughline:abort')

/** What is told on `node:diagnostics_channel`; nothing is built where nobody has subscribed. */
export interface Channels {
  readonly batch: Channel
  readonly fail: Channel
  readonly reject: Channel
  readonly timeout: Channel
  readonly abort: Channel
  tellBatch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void
  tell(channel: Channel, dueMs: number, atMs: number): void
}

export const channelsOf = (name: string): Channels => ({
  ...{ batch, fail, reject, timeout, abort },
  tellBatch(size, idleMs, leaveMs, startMs, endMs) {
    batch.publish({ name, size, idleMs, leaveMs, startMs, endMs } satisfies BatchMessage)
  },
  tell(channel, dueMs, atMs) {
    channel.publish({ name, dueMs, atMs } satisfies RequestMessage)
  },
})

import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { messageOf, ValidationError } from '../../validation/validation-error.js'
import { isFile, statOf, writeAll } from '../standard-streams.js'

/** How many bytes may wait for a slow reader; further lines are dropped. */
const MOST_WAITING = 1_000_000
/** How long the end of a run waits for a slow reader. */
const CLOSE_MS = 1000

/**
 * Writes JSON lines to a file descriptor that the process has inherited. It never blocks on a slow reader, and never throws:
 * if lines cannot be written, the run continues without them.
 */
export class JsonLineStream {
  readonly #write: (line: string) => void
  readonly #socket: Socket | null
  #fault: unknown = null

  private constructor(fd: number, plain: boolean) {
    this.#socket = plain ? null : new Socket({ fd, readable: false, writable: true })
    this.#socket?.on('error', (error: NodeJS.ErrnoException) => {
      // a reader may close the pipe
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') this.#fault ??= error
    })
    this.#write = (line) => {
      if (this.#socket !== null) {
        if (this.#socket.writable && this.#socket.writableLength < MOST_WAITING) this.#socket.write(line)
        return
      }
      try {
        if (this.#fault === null) writeAll(fd, Buffer.from(line))
      } catch (error) {
        this.#fault = error
      }
    }
  }

  /** Why lines could not be written; null if all were, or if the reader left. */
  get fault(): string | null {
    return this.#fault === null ? null : messageOf(this.#fault)
  }

  /**
   * Opens a file descriptor for writing.
   *
   * @throws ValidationError if the process has not inherited it, or only for reading
   */
  static open(text: string): JsonLineStream {
    const fd = Number(text)
    if (!/^\d+$/.test(text) || fd < 2) {
      throw new ValidationError('--progress-fd', `must be the number of a file descriptor from 2 on, got '${text}'`)
    }
    try {
      const stats = statOf(fd)
      const plain = isFile(fd)
      if (!plain && !stats.isFIFO() && !stats.isSocket()) throw new Error('it is not a file, pipe or socket')
      // writes nothing, but fails if it is open for reading only
      if (!stats.isSocket()) writeSync(fd, new Uint8Array(0))
      return new JsonLineStream(fd, plain)
    } catch (error) {
      throw new ValidationError(
        '--progress-fd',
        `${fd} cannot be written: ${messageOf(error)}; open it in the shell, such as ${fd}>progress.jsonl`,
        { cause: error },
      )
    }
  }

  write(value: unknown): void {
    this.#write(`${JSON.stringify(value)}\n`)
  }

  /** Waits until everything is written, but not long for a reader that does not read. */
  async close(): Promise<void> {
    const socket = this.#socket
    if (socket === null || socket.destroyed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), CLOSE_MS)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.end(() => socket.destroy())
    })
  }
}

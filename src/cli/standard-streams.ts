import { fstatSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { ProgressStream } from '../report/terminal/progress.js'

/** A standard stream that everything is written to, or that says why not. */
export interface StandardStream {
  stream: ProgressStream
  /** Waits until all is written, and gives the error that kept some of it from being; null where there is none. */
  flushed(): Promise<NodeJS.ErrnoException | null>
}

/**
 * Writes to a standard stream of the process without ever throwing. A reader that has gone, as `head` does, is no error:
 * it has read enough. A file takes all of what is written, or there is an error: Node itself drops what a nearly full
 * disk does not take at once.
 */
export function standardStream(of: NodeJS.WriteStream & { fd: number }): StandardStream {
  const isPlain = isFile(of.fd)
  const writeToStream = of.write.bind(of)
  let fault: NodeJS.ErrnoException | null = null
  let pending: Promise<void> = Promise.resolve()
  const failed = (error: NodeJS.ErrnoException | null | undefined) => {
    if (error != null && error.code !== 'EPIPE') fault ??= error
  }
  of.on('error', failed)
  const write = (text: string | Uint8Array): boolean => {
    try {
      if (isPlain) {
        if (fault === null) writeAll(of.fd, Buffer.from(text))
        return true
      }
      const written = new Promise<void>((resolve) => {
        writeToStream(text, (error) => {
          failed(error)
          resolve()
        })
      })
      pending = pending.then(() => written)
    } catch (error) {
      failed(error as NodeJS.ErrnoException)
    }
    return true
  }
  return {
    stream: Object.create(of, { write: { value: write } }),
    async flushed() {
      await pending
      return fault
    },
  }
}

/** Whether writes go to a file or a device; those to a pipe, a socket or a terminal may have to wait. */
function isFile(fd: number): boolean {
  try {
    const stats = fstatSync(fd)
    return stats.isFile() || (stats.isCharacterDevice() && !isatty(fd))
  } catch {
    return false
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) {
    const written = writeSync(fd, bytes, at)
    if (written === 0) throw Object.assign(new Error('nothing more is taken'), { code: 'ENOSPC' })
    at += written
  }
}

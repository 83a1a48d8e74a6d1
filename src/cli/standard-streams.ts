import { fstatSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { ProgressStream } from '../report/terminal/progress.js'

/** A standard stream that reports whether everything was written. */
export interface StandardStream {
  stream: ProgressStream
  /** Waits until everything is written; returns the error if something was not, else null. */
  flushed(): Promise<NodeJS.ErrnoException | null>
}

/**
 * Writes to a standard stream of the process and never throws. A reader that closes the pipe, such as `head`, is not an
 * error. Files are written synchronously to the end: Node itself drops the rest if a nearly full disk takes only a part.
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

/**
 * The stat of an open file, in bigints. Node 20 takes the last stat in numbers, if it is of a pipe, for that of the next module
 * to load, and does not follow a symbolic link to its package.
 */
export const statOf = (fd: number) => fstatSync(fd, { bigint: true })

/** Whether a stream is a file or a device; writes to a pipe, a socket or a terminal may have to wait. */
export function isFile(fd: number): boolean {
  try {
    const stats = statOf(fd)
    return stats.isFile() || (stats.isCharacterDevice() && !isatty(fd))
  } catch {
    return false
  }
}

/** Writes all bytes to a file, however many the system takes at a time. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) {
    const written = writeSync(fd, bytes, at)
    if (written === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    at += written
  }
}

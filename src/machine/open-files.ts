import { readFileSync } from 'node:fs'

let known: number | null | undefined

/**
 * The largest number of files and sockets that this process may have open; null if it is unknown or unlimited. Node raises
 * its soft limit to the hard one when it starts. Read once: a process at its limit cannot read it any more.
 */
export function mostOpenFiles(): number | null {
  known ??= readLimit()
  return known
}

function readLimit(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}

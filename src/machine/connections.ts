import { readFileSync } from 'node:fs'

/** How many connections this process can open: null if the system does not say. */
export interface ConnectionLimits {
  /** ports for connections to one address and port */
  ports: number | null
  /** open files; each connection is one of them */
  files: number | null
}

/** Reads the limits from Linux; other systems do not say. */
export const connectionLimits = (): ConnectionLimits => ({
  ports: portsIn(read('/proc/sys/net/ipv4/ip_local_port_range')),
  files: filesIn(read('/proc/self/limits')),
})

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** Counts the ports of a range, such as `32768 60999`. */
export function portsIn(range: string | null): number | null {
  const [, first, last] = /^(\d+)\s+(\d+)/.exec(range ?? '') ?? []
  return first === undefined || last === undefined ? null : Number(last) - Number(first) + 1
}

/** Reads the soft limit of open files. */
export function filesIn(limits: string | null): number | null {
  const [, files] = /^Max open files\s+(\d+)/m.exec(limits ?? '') ?? []
  return files === undefined ? null : Number(files)
}

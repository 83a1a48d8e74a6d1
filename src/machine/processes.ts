import { readdirSync, readFileSync } from 'node:fs'

/** The unit of CPU time in /proc on Linux. */
export const TICK_MS = 10

/** The name and the CPU time so far of each process, by pid. */
export type ProcessTimes = Map<number, { name: string; cpuMs: number }>

/** Reads the CPU time of all processes in /proc; empty without /proc, or if this process may have no more files open. */
export function readProcessTimes(): ProcessTimes {
  const times: ProcessTimes = new Map()
  if (process.platform !== 'linux') return times
  let entries: string[]
  try {
    entries = readdirSync('/proc')
  } catch {
    return times
  }
  for (const entry of entries) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // the name is in parentheses, and may contain any character
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      times.set(pid, { name, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS })
    } catch {
      // the process has exited meanwhile
    }
  }
  return times
}

/**
 * Finds the process, other than this one, that used the most CPU between two readings.
 *
 * @returns its name, its pid and the CPU time; null if no other process used any
 */
export function findBusiestOther(
  before: ProcessTimes,
  after: ProcessTimes,
  own: number = process.pid,
): { name: string; pid: number; cpuMs: number } | null {
  let busiest: { name: string; pid: number; cpuMs: number } | null = null
  for (const [pid, { name, cpuMs }] of after) {
    const usedMs = cpuMs - (before.get(pid)?.cpuMs ?? 0)
    if (pid !== own && usedMs > (busiest?.cpuMs ?? 0)) busiest = { name, pid, cpuMs: usedMs }
  }
  return busiest
}

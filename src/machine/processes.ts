import { readdirSync, readFileSync } from 'node:fs'

/** What Linux counts CPU time in, in /proc. */
export const TICK_MS = 10

/** How much CPU each process has used so far, by its number: name and milliseconds. */
export type ProcessTimes = Map<number, { name: string; cpuMs: number }>

/** Reads the CPU time of all processes that /proc shows; empty where there is no /proc. */
export function processTimes(): ProcessTimes {
  const times: ProcessTimes = new Map()
  if (process.platform !== 'linux') return times
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // the name stands in brackets, and may hold any character
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      times.set(pid, { name, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS })
    } catch {
      // it has ended meanwhile
    }
  }
  return times
}

/**
 * The process other than this one that used the most CPU between two readings; null if none used any.
 *
 * @returns its name and number, and how much it used
 */
export function busiestOther(
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

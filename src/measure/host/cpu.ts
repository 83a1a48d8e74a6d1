import { readFileSync, readlinkSync } from 'node:fs'
import { TICK_MS } from '../../machine/processes.js'
import type { Cpu } from '../../result/host.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'

/** Reads the kernel's ID of this thread; 0 if it is unknown. */
export function threadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return 0
  }
}

/** The kernel's CPU counters at one time. */
export interface CpuReading {
  atNs: number
  /** nanoseconds that each thread ran, and that it was runnable without a CPU; null if the thread has ended */
  threads: ({ ranNs: number; waitedNs: number } | null)[]
  processMs: number
  /** ticks of all cores */
  busy: number
  steal: number
  cores: number
}

/**
 * Reads the CPU counters of threads, this process and the machine from /proc.
 *
 * @param ids the kernel's IDs of the threads
 * @returns the reading, or the reason why there is none
 */
export function readCpu(ids: readonly number[], atNs: number): CpuReading | string {
  if (process.platform !== 'linux') return `CPU time is read from /proc, which ${process.platform} does not have`
  try {
    const threads = ids.map(readThread)
    if (threads.every((thread) => thread === null))
      return 'the kernel does not report CPU time: no /proc/self/task/*/schedstat'
    const { user, system } = process.cpuUsage()
    return { atNs, threads, processMs: (user + system) / 1000, ...parseStat(readFileSync('/proc/stat', 'latin1')) }
  } catch (error) {
    return `/proc cannot be read: ${(error as Error).message}`
  }
}

function readThread(id: number): CpuReading['threads'][number] {
  try {
    const [ranNs = 0, waitedNs = 0] = readFileSync(`/proc/self/task/${id}/schedstat`, 'latin1').split(' ').map(Number)
    return { ranNs, waitedNs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EMFILE') throw error
    return null
  }
}

/** Parses the first lines of /proc/stat. Busy is everything but idle, I/O wait and steal (proc_stat(5)). */
export function parseStat(stat: string): Pick<CpuReading, 'busy' | 'steal' | 'cores'> {
  const lines = stat.split('\n').filter((line) => line.startsWith('cpu'))
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    lines[0]?.trim().split(/\s+/).slice(1).map(Number) ?? []
  return { busy: user + nice + system + irq + softirq, steal, cores: lines.length - 1 }
}

/** Computes the CPU time between two readings. */
export function cpuBetween(before: CpuReading, after: CpuReading, names: readonly string[]): Cpu {
  const periodNs = after.atNs - before.atNs
  const processMs = after.processMs - before.processMs
  return {
    periodMs: periodNs / NS_PER_MS,
    cores: after.cores,
    threads: names.flatMap((thread, i) => {
      const [from, to] = [before.threads[i], after.threads[i]]
      if (!from || !to) return []
      const busyNs = to.ranNs - from.ranNs
      const waitingMs = (to.waitedNs - from.waitedNs) / NS_PER_MS
      return { thread, busyMs: busyNs / NS_PER_MS, fraction: busyNs / periodNs, waitingMs }
    }),
    processMs,
    othersMs: Math.max(0, (after.busy - before.busy) * TICK_MS - processMs),
    stealMs: (after.steal - before.steal) * TICK_MS,
  }
}

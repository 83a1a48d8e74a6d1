import { readFileSync, readlinkSync } from 'node:fs'
import { TICK_MS } from '../../machine/processes.js'
import type { Cpu } from '../../result/host.js'
import { NS_PER_MS } from '../../scenario/units.js'

/** The kernel's number of this thread; 0 if it is not known. */
export function threadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return 0
  }
}

/** What the kernel has counted by now. */
export interface CpuReading {
  atNs: number
  /** in nanoseconds: ran, and could have but did not; null for one that has ended */
  threads: ({ ranNs: number; waitedNs: number } | null)[]
  processMs: number
  /** of all cores, in ticks */
  busy: number
  steal: number
  cores: number
}

/**
 * Reads what /proc tells of threads, of this process and of the machine.
 *
 * @param ids the kernel's numbers of the threads
 * @returns why it is not known, if it is not
 */
export function readCpu(ids: readonly number[], atNs: number): CpuReading | string {
  if (process.platform !== 'linux') return `it is read from /proc, which ${process.platform} does not have`
  try {
    const threads = ids.map(ofThread)
    if (threads.every((thread) => thread === null))
      return 'the kernel does not report it: no /proc/self/task/*/schedstat'
    const { user, system } = process.cpuUsage()
    return { atNs, threads, processMs: (user + system) / 1000, ...parseStat(readFileSync('/proc/stat', 'latin1')) }
  } catch (error) {
    return `/proc cannot be read: ${(error as Error).message}`
  }
}

function ofThread(id: number): CpuReading['threads'][number] {
  try {
    const [ranNs = 0, waitedNs = 0] = readFileSync(`/proc/self/task/${id}/schedstat`, 'latin1').split(' ').map(Number)
    return { ranNs, waitedNs }
  } catch {
    return null
  }
}

/** Reads the first lines of /proc/stat: busy is all but idle, waiting for a disk, and stolen (proc_stat(5)). */
export function parseStat(stat: string): Pick<CpuReading, 'busy' | 'steal' | 'cores'> {
  const lines = stat.split('\n').filter((line) => line.startsWith('cpu'))
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    lines[0]?.trim().split(/\s+/).slice(1).map(Number) ?? []
  return { busy: user + nice + system + irq + softirq, steal, cores: lines.length - 1 }
}

/** What passed between two readings. */
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

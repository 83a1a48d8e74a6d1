import { readFileSync } from 'node:fs'

/** The CPU quota that a container has by its control groups, and how often it was throttled. */
export interface CpuQuota {
  /** in cores: 1.5 means 150 ms of CPU per 100 ms */
  cores: number
  /** the number of periods in which this group was throttled so far, and the total time */
  throttled: { periods: number; ms: number }
}

type Read = (path: string) => string

const readText: Read = (path) => readFileSync(path, 'utf8')

/**
 * Reads the CPU quota of this process: the lowest of its control group and the groups above it, in version 2 (`cpu.max`)
 * or version 1 (`cpu.cfs_quota_us`).
 *
 * @param read reads a file; throws if it does not exist
 * @returns null without a quota or without control groups
 */
export function cpuQuota(read: Read = readText): CpuQuota | null {
  const lines = attempt(() => read('/proc/self/cgroup').split('\n')) ?? []
  const quotas = lines.flatMap((line) => {
    const [, controllers = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === undefined) return []
    if (controllers === '') return groupsAbove(path).map((group) => quotaOfV2(read, `/sys/fs/cgroup${group}`))
    if (!controllers.split(',').includes('cpu')) return []
    return groupsAbove(path).map((group) => quotaOfV1(read, `/sys/fs/cgroup/cpu${group}`))
  })
  const found = quotas.filter((quota) => quota !== null)
  return found.length === 0 ? null : found.reduce((a, b) => (b.cores < a.cores ? b : a))
}

/** A group and all groups above it. A container may see its own group as the root. */
function groupsAbove(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return [...parts.keys()].map((i) => `/${parts.slice(0, parts.length - i).join('/')}`).concat('')
}

function quotaOfV2(read: Read, folder: string): CpuQuota | null {
  const [quota, period] = attempt(() => read(`${folder}/cpu.max`).trim().split(' ').map(Number)) ?? []
  return quotaOf(quota, period, () => read(`${folder}/cpu.stat`), /^throttled_usec (\d+)$/m, 1e3)
}

function quotaOfV1(read: Read, folder: string): CpuQuota | null {
  const quota = attempt(() => Number(read(`${folder}/cpu.cfs_quota_us`)))
  const period = attempt(() => Number(read(`${folder}/cpu.cfs_period_us`)))
  return quotaOf(quota, period, () => read(`${folder}/cpu.stat`), /^throttled_time (\d+)$/m, 1e6)
}

function quotaOf(
  quota: number | undefined,
  period: number | undefined,
  readStat: () => string,
  time: RegExp,
  perMs: number,
): CpuQuota | null {
  if (quota === undefined || period === undefined || !(quota > 0 && period > 0)) return null
  const stat = attempt(readStat) ?? ''
  const count = (pattern: RegExp) => Number(pattern.exec(stat)?.[1] ?? 0)
  return { cores: quota / period, throttled: { periods: count(/^nr_throttled (\d+)$/m), ms: count(time) / perMs } }
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

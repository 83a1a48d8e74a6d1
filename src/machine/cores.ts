import { availableParallelism } from 'node:os'
import { cpuQuota } from './cgroup.js'

/** The number of cores that this process may use: those of the machine, or fewer by the container's CPU quota. */
export const cores = (): number => coresWithin(availableParallelism(), cpuQuota()?.cores ?? null)

/** Limits cores to a quota, rounded up: at 1.5 cores, two threads can run at a time. */
export const coresWithin = (machine: number, quota: number | null): number =>
  quota === null ? machine : Math.min(machine, Math.max(1, Math.ceil(quota)))

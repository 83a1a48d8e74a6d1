import { availableParallelism } from 'node:os'
import { cpuQuota } from './cgroup.js'

/** How many cores this process may use: those of the machine, or as many as its container's CPU quota allows. */
export const cores = (): number => coresWithin(availableParallelism(), cpuQuota()?.cores ?? null)

/** A quota of 1.5 cores lets two threads run at a time. */
export const coresWithin = (machine: number, quota: number | null): number =>
  quota === null ? machine : Math.min(machine, Math.max(1, Math.ceil(quota)))

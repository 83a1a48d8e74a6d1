import { availableParallelism, cpus, loadavg } from 'node:os'
import type { Environment } from '../result/result.js'
import { cpuQuota } from './cgroup.js'

/** The machine as it is now. */
export function environment(): Environment {
  return {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    cpuQuota: cpuQuota()?.cores ?? null,
    load: loadavg()[0] ?? 0,
  }
}

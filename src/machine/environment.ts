import { availableParallelism, cpus, loadavg } from 'node:os'
import type { Environment } from '../result/host.js'
import { cpuQuota } from './cgroup.js'

/** Reads the current environment: Node, CPU, cores and load. */
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

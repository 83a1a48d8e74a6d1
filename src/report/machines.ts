import type { Merged } from '../result/merge/merged.js'
import { count, rate, time } from '../text/number.js'

/** The columns of a table of the machines whose results were merged. */
export const MACHINE_TITLES = ['machine', 'requests', 'completed', 'p50', 'p99', 'max', 'errors', 'verdict'] as const

/** A row for each machine. */
export const machineRows = ({ machines }: Merged): string[][] =>
  machines.map(({ name, requests, throughput, latencyMs, valid }) => [
    name,
    count(requests.offered),
    rate(throughput.completed),
    time(latencyMs.p50),
    time(latencyMs.p99),
    time(latencyMs.max),
    count(requests.errors),
    valid ? 'valid' : 'invalid',
  ])

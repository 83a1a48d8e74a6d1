import type { Shard } from '../../scenario/arrivals/shard.js'
import type { Environment } from '../host.js'

/** The part of a stream of requests that one machine sent. */
export interface SentShard extends Shard {
  /** when the run began, by the clock of its machine: a date in ISO 8601 */
  startedAt: string
}

/** How results of several machines were merged. */
export interface Merged {
  /** `shards` ran at the same time, so their rates add up; `replications` count as run one after another */
  as: 'shards' | 'replications'
  machines: MergedMachine[]
}

/** One of the machines whose results were merged. */
export interface MergedMachine {
  name: string
  /** null for live requests */
  seed: number | null
  /** the part of the stream that it sent; absent if it sent a stream of its own */
  shard?: SentShard
  /** requests due in its window, those that completed, and those that count as errors, rejected ones included */
  requests: { offered: number; completed: number; errors: number; rejected: number }
  /** those of each class; absent if requests have no classes */
  classes?: Record<string, { offered: number; errors: number; rejected: number }>
  throughput: { offered: number; completed: number }
  batches: { count: number; meanSize: number }
  /** null if servers are unlimited */
  utilization: number | null
  latencyMs: { mean: number; p50: number; p99: number; max: number }
  /** by how much the start may differ from that of the other machines, if agents started together */
  clockErrorMs?: number
  /** whether its own result is valid */
  valid: boolean
  environment: Environment | null
}

/** Describes which machines a result is of: `5 machines as shards`, or `shard 2 of 5`; null if one machine sent all requests. */
export function describeMachines({ merged, shard }: { merged?: Merged; shard?: SentShard }): string | null {
  if (merged !== undefined) return `${merged.machines.length} machines as ${merged.as}`
  return shard === undefined ? null : `shard ${shard.index} of ${shard.count}`
}

import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { messageOf } from '../../validation/validation-error.js'
import { measureFrom } from '../measure.js'
import type { StartGate } from '../run-context.js'
import { type AgentReport, PROTOCOL, QUEUE, REPORT_MS, RunKeys, type ShardJob, SILENT_MS } from './protocol.js'
import { connectRedis, loadBullmq, RedisClock } from './redis.js'

/** Options of `runAgent`. */
export interface AgentOptions {
  /** URL of a Redis that all machines reach: `redis://host:6379` */
  redis: string
  /**
   * Name in results.
   *
   * @default the host name and the process ID
   */
  name?: string | undefined
  /** Ends the agent, and the shard that it sends. */
  signal: AbortSignal
  /** Called when the agent waits for work, begins a shard, and ends it. */
  onStatus?: ((status: string) => void) | undefined
}

/** Sends shards of the runs that coordinators put on a Redis, one at a time, until the signal. */
export async function runAgent({ redis: url, name = `${hostname()}-${process.pid}`, signal, onStatus }: AgentOptions) {
  const { Worker } = await loadBullmq()
  const redis = await connectRedis(url, { patient: true })
  const connection = await connectRedis(url, { patient: true })
  const work = async ({ data }: { data: ShardJob }) => {
    onStatus?.(`sends shard ${data.index} of ${data.count}`)
    await sendShard(redis, name, data, signal)
    onStatus?.('waits for work')
  }
  const worker = new Worker<ShardJob>(QUEUE, work, {
    connection,
    concurrency: 1,
    // a shard that is sent again later would be counted as if it had been sent with the others
    maxStalledCount: 0,
    lockDuration: 60_000,
  })
  worker.on('error', () => {})
  try {
    await worker.waitUntilReady()
    onStatus?.('waits for work')
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    await Promise.race([worker.close(), sleep(SILENT_MS)])
    redis.disconnect()
    connection.disconnect()
  }
}

/** How long a snapshot is shown before the next one is made. */
const SHOWN_MS = 1500

async function sendShard(redis: Redis, name: string, job: ShardJob, signal: AbortSignal): Promise<void> {
  const { run, index, count, scenario, options, protocol } = job
  const keys = new RunKeys(redis, run)
  // the coordinator may have given up
  if ((await keys.state()) === null) return
  if (protocol !== PROTOCOL) {
    await keys.end(index, { error: `agent ${name} has another version: protocol ${PROTOCOL}, not ${protocol}` })
    return
  }
  const clock = await RedisClock.estimate(redis)
  const abort = new AbortController()
  const stop = () => abort.abort(new Error('the agent was stopped'))
  signal.addEventListener('abort', stop, { once: true })
  const report: AgentReport = { name, phase: 'ready', atMs: 0, clockErrorMs: clock.errorMs, progress: null }
  let originNs: bigint | null = null
  let isReady = false
  let interrupted = false
  let over = false
  let startMs = 0
  let watched = false
  let showing = false
  const gate: StartGate = {
    ready: () => {
      isReady = true
    },
    originNs: () => originNs,
  }
  const talk = async () => {
    let heardMs = performance.now()
    while (!over) {
      try {
        const state = await answered(keys.state())
        heardMs = performance.now()
        if (state === null) abort.abort(new Error('the coordinator is gone'))
        if (state?.end === 'abort') abort.abort(new Error('the run was aborted'))
        if (state?.end === 'interrupt') interrupted = true
        if (state?.startMs !== undefined && originNs === null) {
          startMs = state.startMs
          originNs = clock.localNs(startMs)
        }
        watched = state?.watched === true
        if (isReady) await answered(keys.report(index, { ...report, atMs: clock.nowMs() }))
      } catch {
        // Redis may come back
      }
      if (performance.now() - heardMs > SILENT_MS) abort.abort(new Error('Redis is gone'))
      // before the start, the time of the start must be known early enough
      await sleep(originNs === null ? REPORT_MS / 10 : REPORT_MS)
    }
  }
  const talking = talk()
  try {
    const result = await measureFrom(
      scenario,
      {
        ...options,
        shard: { index, count },
        signal: abort.signal,
        onProgress: ({ latencySoFar: _, resultSoFar, ...progress }) => {
          report.phase = 'running'
          report.progress = progress
          if (watched && !showing) {
            showing = true
            const show = async () => {
              const result = await resultSoFar()
              if (result !== null) await answered(keys.show(index, result))
              await sleep(SHOWN_MS)
            }
            // the next one may succeed
            show()
              .catch(() => {})
              .finally(() => {
                showing = false
              })
          }
          return !interrupted
        },
      },
      gate,
    )
    // the machine's own clock may be wrong
    const shard = { index, count, startedAt: new Date(startMs).toISOString() }
    await answered(keys.end(index, { result: { ...result, shard } }))
  } catch (error) {
    // without an outcome the coordinator counts this agent as dead
    await answered(keys.end(index, { error: `agent ${name}: ${messageOf(error)}` })).catch(() => {})
  } finally {
    over = true
    await talking
    signal.removeEventListener('abort', stop)
  }
}

/** Waits for Redis, which may be gone, but no longer than it takes to count as dead. */
async function answered<Value>(value: Promise<Value>): Promise<Value> {
  const abort = new AbortController()
  const late = sleep(SILENT_MS, undefined, { signal: abort.signal }).then(() => {
    throw new Error('Redis did not answer')
  })
  try {
    return await Promise.race([value, late])
  } finally {
    abort.abort()
    // a late error has nowhere to go
    late.catch(() => {})
    value.catch(() => {})
  }
}

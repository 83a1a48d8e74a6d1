import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import { mergeShardResults } from '../../result/merge/merge-results.js'
import type { Result } from '../../result/result.js'
import type { Scenario } from '../../scenario/scenario.js'
import { sumBy } from '../../statistics/descriptive.js'
import { count as countText } from '../../text/number.js'
import { throwIfAborted } from '../../validation/realm.js'
import { messageOf } from '../../validation/validation-error.js'
import { MeasureError } from '../error.js'
import { type AgentsOption, type MeasureOptions, type MeasureProgress, resolveOptions } from '../options.js'
import { planRun } from './plan.js'
import {
  type AgentReport,
  type Outcome,
  QUEUE,
  REPORT_MS,
  RunKeys,
  type RunOrders,
  type ShardJob,
  SILENT_MS,
  VERSION,
} from './protocol.js'
import { connectRedis, isNoAnswer, loadBullmq, RedisClock } from './redis.js'

/** How far ahead the start is set, so that every agent knows of it. */
const LEAD_MS = 1000

/** Measures an HTTP scenario with agents: each sends a shard, and their results are merged. */
export async function measureOnAgents(
  scenario: Scenario,
  { agents, ...options }: MeasureOptions & { agents: AgentsOption },
): Promise<Result> {
  const { redis: url, count } = agents
  const { signal, setupTimeoutMs } = resolveOptions(options, 1)
  throwIfAborted(signal)
  const plan = await planRun(scenario, options, count)
  const { Queue } = await loadBullmq()
  const redis = await connectRedis(url)
  const queue = new Queue<ShardJob>(QUEUE, { connection: redis })
  queue.on('error', () => {})
  const run = randomUUID()
  const keys = new RunKeys(redis, run)
  let jobs: Job<ShardJob>[] = []
  try {
    const clock = await RedisClock.estimate(redis)
    await keys.storePlan(plan, setupTimeoutMs)
    await keys.order({})
    jobs = await queue.addBulk(
      Array.from({ length: count }, (_, i) => ({
        name: 'shard',
        data: { version: VERSION, run, index: i + 1, count },
        opts: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      })),
    )
    return await conduct(keys, clock, { ...options, count, setupTimeoutMs })
  } catch (error) {
    if (signal?.aborted || (redis.status === 'ready' && !isNoAnswer(error))) throw error
    throw new MeasureError(`the connection to Redis was lost: ${messageOf(error)}; agents end their shards`, {
      cause: error,
    })
  } finally {
    // without orders, agents end their shards; jobs that none has taken would wait for another agent
    const removed = Promise.allSettled([keys.remove(), ...jobs.map((job) => job.remove())])
    await Promise.race([removed.then(() => queue.close()), sleep(SILENT_MS, undefined, { ref: false })])
    redis.disconnect()
  }
}

/** Starts all agents of a run together once they are ready, and waits for their outcomes. */
async function conduct(
  keys: RunKeys,
  clock: RedisClock,
  { signal, onProgress, count, setupTimeoutMs }: MeasureOptions & { count: number; setupTimeoutMs: number },
): Promise<Result> {
  const orders: RunOrders = {}
  const begunMs = performance.now()
  for (;;) {
    const [reports, ended] = await Promise.all([keys.reports(), keys.ended()])
    throwIfAborted(signal)
    const nowMs = clock.nowMs()
    const live = [...reports].filter(([, { atMs }]) => nowMs - atMs <= SILENT_MS)
    if (orders.startMs === undefined) {
      const outcomes = ended.size === 0 ? [] : (await keys.outcomes()).values()
      const failed = [...outcomes].find((outcome) => 'error' in outcome)
      if (failed !== undefined) throw new MeasureError(failed.error)
      if (performance.now() - begunMs > setupTimeoutMs) {
        throw new MeasureError(
          `${countText(live.length)} of ${countText(count)} agents were ready within ${setupTimeoutMs} ms (setupTimeout); start more with throughline agent --redis`,
        )
      }
      if (live.length === count) orders.startMs = nowMs + LEAD_MS
    } else {
      const waiting = live.some(([index]) => !ended.has(index))
      if (!waiting && nowMs > orders.startMs + LEAD_MS) {
        const outcomes = await keys.outcomes()
        throwIfAborted(signal)
        return mergeOutcomes(count, reports, outcomes)
      }
      const resultSoFar = async () => {
        orders.watched = true
        // the run may be over by now
        const results = await keys.snapshots().catch(() => [])
        const snapshots = [...results].map(([index, result]) => ({ name: nameOf(index, reports), result }))
        return snapshots.length === 0 ? null : mergeShardResults(snapshots, [])
      }
      if (onProgress?.({ ...progressOf(reports), resultSoFar }) === false) orders.interrupted = true
    }
    await keys.order(orders)
    await sleep(REPORT_MS / 2)
  }
}

function progressOf(reports: Map<number, AgentReport>): Omit<MeasureProgress, 'resultSoFar'> {
  const all = [...reports.values()].flatMap(({ progress }) => progress ?? [])
  return {
    fraction: all.length === 0 ? 0 : Math.min(...all.map(({ fraction }) => fraction)),
    timeMs: Math.max(0, ...all.map(({ timeMs }) => timeMs)),
    endMs: all[0]?.endMs ?? null,
    sent: sumBy(all, ({ sent }) => sent),
    completed: sumBy(all, ({ completed }) => completed),
    failed: sumBy(all, ({ failed }) => failed),
    latencySoFar: () => null,
  }
}

/** Merges what there is. The shard of an agent that died or failed is missing. */
function mergeOutcomes(count: number, reports: Map<number, AgentReport>, outcomes: Map<number, Outcome>): Result {
  const results: { name: string; result: Result; clockErrorMs: number }[] = []
  const lost: string[] = []
  for (let index = 1; index <= count; index++) {
    const name = nameOf(index, reports)
    const clockErrorMs = reports.get(index)?.clockErrorMs ?? 0
    const outcome = outcomes.get(index)
    if (outcome === undefined) lost.push(`agent ${name} died or lost its connection`)
    else if ('error' in outcome) lost.push(outcome.error)
    else results.push({ name, result: outcome.result, clockErrorMs })
  }
  if (results.length === 0) throw new MeasureError(`no agent finished its shard: ${lost.join('; ')}`)
  return mergeShardResults(results, lost)
}

const nameOf = (index: number, reports: Map<number, AgentReport>) => reports.get(index)?.name ?? `agent ${index}`

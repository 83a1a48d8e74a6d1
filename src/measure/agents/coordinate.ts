import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import { mergeShardResults } from '../../result/merge/merge-results.js'
import type { Result } from '../../result/result.js'
import type { Scenario } from '../../scenario/scenario.js'
import { sumBy } from '../../statistics/descriptive.js'
import { count as countText } from '../../text/number.js'
import { throwIfAborted } from '../../validation/realm.js'
import { MeasureError } from '../error.js'
import { type AgentsOption, type MeasureOptions, type MeasureProgress, resolveOptions } from '../options.js'
import { planRun } from './plan.js'
import {
  type AgentReport,
  QUEUE,
  REPORT_MS,
  RunKeys,
  type RunOrders,
  type ShardJob,
  type ShardOutcome,
  SILENT_MS,
  VERSION,
} from './protocol.js'
import { connectRedis, loadBullmq, RedisClock, redisError } from './redis.js'
import { SnapshotMerger } from './snapshot-merger.js'

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
  const snapshots = new SnapshotMerger()
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
    const othersBusy = async () => (await queue.getActive()).filter(({ data }) => data.run !== run).length
    const lostJobs = async () => {
      const states = await Promise.all(jobs.map((job) => job.getState()))
      return states.flatMap((state, i) => (state === 'unknown' ? i + 1 : []))
    }
    return await conduct(keys, clock, { ...options, count, setupTimeoutMs, othersBusy, lostJobs }, snapshots)
  } catch (error) {
    if (signal?.aborted) throw error
    throw redisError(error, [redis], 'agents stop their shards')
  } finally {
    await snapshots.destroy()
    // without orders, agents end their shards; jobs that none has taken would wait for another agent
    const removed = Promise.allSettled([keys.remove(), ...jobs.map((job) => job.remove())])
    await Promise.race([removed.then(() => queue.close()), sleep(SILENT_MS, undefined, { ref: false })])
    redis.disconnect()
  }
}

interface ConductOptions extends MeasureOptions {
  count: number
  setupTimeoutMs: number
  /** counts the agents that send other runs */
  othersBusy(): Promise<number>
  /** the shards whose jobs are over, or gone */
  lostJobs(): Promise<number[]>
}

/** The orders of the run are gone from Redis, so that agents end their shards. */
const ORDERS_GONE =
  'the run was gone from Redis, so that its agents ended their shards: this process was stopped for more than 5 s, or Redis lost its data; run it again'

/** Starts all agents of a run together once they are ready, and waits for their outcomes. */
async function conduct(
  keys: RunKeys,
  clock: RedisClock,
  { signal, onProgress, count, setupTimeoutMs, othersBusy, lostJobs }: ConductOptions,
  snapshots: SnapshotMerger,
): Promise<Result> {
  const orders: RunOrders = {}
  const watched = new WatchedAgents()
  const begunMs = performance.now()
  let isGone = false
  const renew = async () => {
    isGone ||= !(await keys.renew(orders))
    return !isGone
  }
  for (;;) {
    const [found, ended] = await Promise.all([keys.reports(), keys.ended()])
    throwIfAborted(signal)
    const live = watched.update(found)
    const { reports } = watched
    const nowMs = clock.nowMs()
    if (orders.startMs === undefined) {
      if (isGone) throw new MeasureError(ORDERS_GONE)
      const outcomes = ended.size === 0 ? [] : (await keys.outcomes()).values()
      const failed = [...outcomes].find((outcome) => 'error' in outcome)
      if (failed !== undefined) throw new MeasureError((await renew()) ? failed.error : ORDERS_GONE)
      if (performance.now() - begunMs > setupTimeoutMs) {
        const [busy, over] = await Promise.all([othersBusy(), lostJobs()])
        const lost = over.filter((index) => !reports.has(index)).length
        const advice =
          lost > 0
            ? `, and ${countText(lost)} of their jobs disappeared: an agent died, or Redis lost data; run it again`
            : busy === 0
              ? '; start more with throughline agent --redis'
              : `, and ${countText(busy)} sent another run; wait until it is over, or start more with throughline agent --redis`
        throw new MeasureError(
          `${countText(live.length)} of ${countText(count)} agents were ready within ${setupTimeoutMs} ms (setupTimeout)${advice}`,
        )
      }
      if (live.length === count) orders.startMs = nowMs + LEAD_MS
    } else {
      const waiting = live.some((index) => !ended.has(index))
      if (!waiting && nowMs > orders.startMs + LEAD_MS) {
        const outcomes = await keys.outcomes()
        throwIfAborted(signal)
        // agents that were done before have results all the same
        const isEmpty = ![...outcomes.values()].some((outcome) => 'result' in outcome)
        if (isEmpty && !(await renew())) throw new MeasureError(ORDERS_GONE)
        return mergeOutcomes(count, reports, outcomes)
      }
      const load = async () => {
        const names = namesOf(count, reports)
        return [...(await keys.snapshots())].map(([index, text]) => ({ name: names[index - 1] as string, text }))
      }
      const resultSoFar = () => {
        orders.watched = true
        return snapshots.take(load)
      }
      if (onProgress?.({ ...progressOf(reports), resultSoFar }) === false) orders.interrupted = true
    }
    await renew()
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
function mergeOutcomes(count: number, reports: Map<number, AgentReport>, outcomes: Map<number, ShardOutcome>): Result {
  const results: { name: string; result: Result; clockErrorMs: number }[] = []
  const lost: string[] = []
  namesOf(count, reports).forEach((name, i) => {
    const outcome = outcomes.get(i + 1)
    if (outcome === undefined) lost.push(`agent ${name} died or lost its connection`)
    else if ('error' in outcome) lost.push(outcome.error)
    else results.push({ name, result: outcome.result, clockErrorMs: reports.get(i + 1)?.clockErrorMs ?? 0 })
  })
  if (results.length === 0) throw new MeasureError(`no agent finished its shard: ${lost.join('; ')}`)
  return mergeShardResults(results, lost)
}

/** The names of the agents of all shards, in order; several agents may have been given one name. */
function namesOf(count: number, reports: Map<number, AgentReport>): string[] {
  const given = Array.from({ length: count }, (_, i) => reports.get(i + 1)?.name ?? 'without a name')
  const times = new Map<string, number>()
  for (const name of given) times.set(name, (times.get(name) ?? 0) + 1)
  return given.map((name, i) => (times.get(name) === 1 ? name : `${name} (shard ${i + 1})`))
}

/** The agents of a run, and which of them are alive: their reports change. The clocks of machines drift apart in a long run. */
class WatchedAgents {
  readonly #changedMs = new Map<number, number>()
  /** the newest report of each agent */
  readonly reports = new Map<number, AgentReport>()

  /** Takes the newest reports, and returns which agents are alive. */
  update(found: Map<number, AgentReport>): number[] {
    const nowMs = performance.now()
    for (const [index, report] of found) {
      if (report.atMs !== this.reports.get(index)?.atMs) this.#changedMs.set(index, nowMs)
      this.reports.set(index, report)
    }
    return [...this.#changedMs].filter(([, ms]) => nowMs - ms <= SILENT_MS).map(([index]) => index)
  }
}

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { mergeShardResults } from '../../result/merge/merge-results.js'
import type { Result } from '../../result/result.js'
import { resolveScenario, type Scenario } from '../../scenario/scenario.js'
import type { Targets } from '../../scenario/target.js'
import { count as inText } from '../../text/number.js'
import { throwIfAborted } from '../../validation/realm.js'
import { messageOf, ValidationError } from '../../validation/validation-error.js'
import { MeasureError } from '../error.js'
import { checkShard } from '../measurable.js'
import { type MeasureOptions, type MeasureProgress, resolveOptions } from '../options.js'
import {
  type AgentReport,
  PROTOCOL,
  QUEUE,
  REPORT_MS,
  RunKeys,
  type RunOrders,
  type ShardJob,
  SILENT_MS,
} from './protocol.js'
import { connectRedis, loadBullmq, RedisClock } from './redis.js'

/** How far ahead the start is set, so that every agent knows of it. */
const LEAD_MS = 1000

/** Measures an HTTP scenario with agents, each of which sends a shard, and merges their results. */
export async function measureOnAgents(
  scenario: Scenario,
  { agents, ...options }: MeasureOptions & { agents: { redis: string; count: number } },
): Promise<Result> {
  const { redis: url, count } = agents
  refuseLocal(scenario)
  if (options.shard !== undefined) {
    throw new ValidationError('options.shard', 'cannot be combined with agents, each of which sends a shard')
  }
  checkShard(resolveScenario(scenario, 'measure'), { index: 1, count })
  const { setupTimeoutMs } = resolveOptions(options, 1)
  const { signal, onProgress, idle, spin, batchTimeout, setupTimeout } = options
  throwIfAborted(signal)
  const { Queue } = await loadBullmq()
  const redis = await connectRedis(url)
  const connection = await connectRedis(url)
  const queue = new Queue<ShardJob>(QUEUE, { connection })
  queue.on('error', () => {})
  const run = randomUUID()
  const keys = new RunKeys(redis, run)
  const state: RunOrders = {}
  try {
    const clock = await RedisClock.estimate(redis)
    await keys.coordinate(state)
    const jobs = await queue.addBulk(
      Array.from({ length: count }, (_, i) => ({
        name: 'shard',
        data: {
          protocol: PROTOCOL,
          run,
          index: i + 1,
          count,
          scenario,
          options: { idle, spin, batchTimeout, setupTimeout },
        },
        opts: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      })),
    )
    const begunMs = performance.now()
    for (;;) {
      const [reports, outcomes] = await Promise.all([keys.reports(), keys.outcomes()])
      const nowMs = clock.nowMs()
      const live = [...reports].filter(([, { atMs }]) => nowMs - atMs <= SILENT_MS)
      if (signal?.aborted) {
        await keys.coordinate({ ...state, end: 'abort' })
        throw signal.reason
      }
      if (state.startMs === undefined) {
        const [failed] = [...outcomes.values()].flatMap((outcome) => ('error' in outcome ? outcome.error : []))
        const late = performance.now() - begunMs > setupTimeoutMs
        if (failed !== undefined || late) {
          await keys.coordinate({ end: 'abort' })
          await Promise.all(jobs.map((job) => job.remove().catch(() => {})))
          throw new MeasureError(
            failed ??
              `${inText(live.length)} of ${inText(count)} agents were ready within ${setupTimeoutMs} ms (setupTimeout); start more with throughline agent --redis`,
          )
        }
        if (live.length === count) state.startMs = nowMs + LEAD_MS
      } else {
        const waiting = live.filter(([index]) => !outcomes.has(index))
        if (waiting.length === 0 && nowMs > state.startMs + SILENT_MS / 5) return merged(count, reports, outcomes)
        const resultSoFar = async () => {
          state.watched = true
          const snapshots = await keys.snapshots()
          const shown = [...snapshots].map(([index, result]) => ({ name: nameOf(index, reports), result }))
          return shown.length === 0 ? null : mergeShardResults(shown, [])
        }
        if (onProgress?.({ ...progressOf(reports), resultSoFar }) === false) state.end = 'interrupt'
      }
      await keys.coordinate(state)
      await sleep(REPORT_MS / 2)
    }
  } catch (error) {
    if (redis.status === 'ready' || signal?.aborted) throw error
    throw new MeasureError(`the connection to Redis was lost: ${messageOf(error)}; agents end their shards`, {
      cause: error,
    })
  } finally {
    await keys.remove().catch(() => {})
    await Promise.race([queue.close(), sleep(REPORT_MS)])
    redis.disconnect()
    connection.disconnect()
  }
}

/** Agents are on other machines: they have no functions and no files of this one. */
function refuseLocal(scenario: Scenario): void {
  const { handler, call, http } = scenario as Targets
  if (http === undefined || handler !== undefined || call !== undefined) {
    throw new ValidationError(
      'agents',
      'send http scenarios only; measure handlers and calls on each machine with shard',
    )
  }
  for (const field of ['headers', 'body', 'dispatcher', 'tls'] as const) {
    const value = (http as { [key in typeof field]?: unknown })[field]
    if (value === undefined || isJson(value)) continue
    throw new ValidationError(`http.${field}`, 'must be plain data for agents, which run on other machines')
  }
}

function isJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null)
    return ['string', 'number', 'boolean'].includes(typeof value) || value === null
  const plain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  return plain && Object.values(value).every(isJson)
}

function progressOf(reports: Map<number, AgentReport>): Omit<MeasureProgress, 'resultSoFar'> {
  const all = [...reports.values()].flatMap(({ progress }) => progress ?? [])
  const sum = (of: (each: (typeof all)[number]) => number) => all.reduce((total, each) => total + of(each), 0)
  return {
    fraction: all.length === 0 ? 0 : Math.min(...all.map(({ fraction }) => fraction)),
    timeMs: Math.max(0, ...all.map(({ timeMs }) => timeMs)),
    endMs: all[0]?.endMs ?? null,
    sent: sum(({ sent }) => sent),
    completed: sum(({ completed }) => completed),
    failed: sum(({ failed }) => failed),
    latencySoFar: () => null,
  }
}

/** Merges what there is. Agents that died, or failed, have sent no shard that counts. */
function merged(
  count: number,
  reports: Map<number, AgentReport>,
  outcomes: Awaited<ReturnType<RunKeys['outcomes']>>,
): Result {
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

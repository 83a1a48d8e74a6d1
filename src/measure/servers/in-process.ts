import { toPortableError } from '../../handler/portable.js'
import { prepare, unreadyMessage } from '../../handler/prepare.js'
import { withTimeout } from '../../handler/with-timeout.js'
import type { Call, HandlerInProcess } from '../../scenario/target.js'
import { targetName } from '../../scenario/target.js'
import { createEventLoop } from '../clock/event-loop.js'
import { targetFailed } from '../error.js'
import type { ResolvedOptions } from '../options.js'
import { PLACES } from '../queue/waiting-room.js'
import type { RunState } from '../recording/build-recording.js'
import { Checkpoints } from '../recording/checkpoints.js'
import type { ServerStats } from '../recording/server-stats.js'
import { Snapshots } from '../recording/snapshots.js'
import type { RunContext, RunOutcome } from '../run-context.js'
import { callTarget, handlerTarget } from './function-target.js'
import { httpTarget } from './http-target.js'
import { LocalServers } from './local-servers.js'
import type { LocalTarget } from './local-target.js'
import { Watch } from './watch.js'

/** Serves a run in this process. Timers and connections are closed when the promise settles. */
export async function runInProcess(context: RunContext): Promise<RunOutcome> {
  const { scenario, options } = context
  const name = targetName(scenario)
  const target = await withSetupTimeout(prepareTarget(context, name), options, name, 'its setup hangs')
  let outcome: Omit<RunOutcome, 'teardown'>
  try {
    outcome = await serve(context, target, name)
  } catch (error) {
    await withSetupTimeout(target.close(), options, name, 'its teardown hangs').catch(() => {})
    throw error
  }
  const closing = target.close().then(
    () => null,
    (error: unknown) => toPortableError(error),
  )
  return { ...outcome, teardown: await withSetupTimeout(closing, options, name, 'its teardown hangs') }
}

async function prepareTarget(
  { scenario, requests, plan: { shard }, memory, clock, options }: RunContext,
  name: string,
): Promise<LocalTarget> {
  const { handler, call, http } = scenario
  const { classes } = memory
  if (http !== undefined) {
    const { signal } = options
    return httpTarget(http, { source: requests, shard, name, window: memory.window(), clock: clock.now, signal })
  }
  if (call !== undefined) return callTarget(call as Call, { shard, classes })
  const ready = await prepare(async () => handler as HandlerInProcess)
  if ('unready' in ready) throw targetFailed(name, unreadyMessage(ready.unready), ready.unready.error)
  return handlerTarget(ready, { shard, classes })
}

/** Awaits a target's setup or teardown, up to setupTimeout or until the run is aborted. */
async function withSetupTimeout<Value>(
  work: Promise<Value>,
  { setupTimeoutMs, signal }: ResolvedOptions,
  name: string,
  hangs: string,
): Promise<Value> {
  const late = () => targetFailed(name, `it took longer than ${setupTimeoutMs} ms (setupTimeout): ${hangs}`)
  return withTimeout(work, setupTimeoutMs, late, { real: true, signal })
}

async function serve(context: RunContext, target: LocalTarget, name: string): Promise<Omit<RunOutcome, 'teardown'>> {
  const { scenario, options, plan, memory, host, clock, coordination } = context
  const { servers, http } = scenario
  const window = memory.window()
  const queue = memory.queue(window, clock.now)
  const stats = memory.stats()
  let local: LocalServers | null = null
  const { classes } = memory
  const { connections } = target
  const state: RunState = {
    ...{ window, queue, stats, classes, inProcess: true },
    serving: () => local?.serving() ?? [],
    ...(connections !== undefined && { connections }),
  }
  let end = (_error?: unknown) => {}
  const served = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error))
  })
  const onStart = (originNs: bigint) => {
    clock.start(originNs)
    host.begin(originNs)
    const serving = {
      servers,
      largest: Math.min(memory.setup.policy.maxBatchSize, PLACES),
      idle: options.idle,
      queue,
      window,
      stats: stats[0] as ServerStats,
      observations: memory.observations(0),
      target,
      timeout: shorterTimeout(options.batchTimeoutMs, http?.timeout ?? null),
      loop: createEventLoop(originNs, options.spinNs),
    }
    local = new LocalServers(serving, end)
    local.start()
  }
  const checkpoints = await Checkpoints.of(scenario, memory)
  const wake = () => local?.wake()
  const snapshots = Snapshots.of(context)
  const watched = {
    name,
    memory,
    state,
    plan,
    servers: 0,
    onStart,
    onBlocked: () => {},
    wake,
    checkpoints,
    snapshots,
    coordination,
  }
  try {
    const endedNs = await new Watch(watched, options).until(served)
    const failure = (local as LocalServers | null)?.failure ?? null
    return {
      ...{ state, checkpoints: checkpoints?.count, endedNs, failure, exits: [] },
      findings: target.findings?.() ?? [],
      connections: connections?.(),
    }
  } finally {
    ;(local as LocalServers | null)?.stop(new Error('the run is over'))
    await host.stop()
    await checkpoints?.destroy()
    await snapshots?.destroy()
  }
}

function shorterTimeout(batchTimeoutMs: number, httpTimeoutMs: number | null): { ms: number; option: string } {
  return httpTimeoutMs !== null && httpTimeoutMs < batchTimeoutMs
    ? { ms: httpTimeoutMs, option: 'http.timeout' }
    : { ms: batchTimeoutMs, option: 'batchTimeout' }
}

import { MessageChannel } from 'node:worker_threads'
import { portable } from '../handler/portable.js'
import { prepare, unreadyMessage } from '../handler/prepare.js'
import type { Call, HandlerInProcess } from '../scenario/target.js'
import { targetName } from '../scenario/target.js'
import type { Books } from './account.js'
import { Answers } from './answers.js'
import { Bells } from './bells.js'
import { targetFailed } from './error.js'
import { eventLoop } from './event-loop.js'
import { callTarget, handlerTarget } from './function-target.js'
import { httpTarget } from './http-target.js'
import type { Layout, Outcome } from './layout.js'
import { Ledger } from './ledger.js'
import { limitedOf } from './limited.js'
import { limitsOf } from './limits.js'
import { LocalServers } from './local-servers.js'
import type { LocalTarget } from './local-target.js'
import { Looks } from './looks.js'
import { Observations } from './observations.js'
import { Ring } from './ring.js'
import { Start } from './start.js'
import { startThreads } from './threads.js'
import { Watch } from './watch.js'
import { Window } from './window.js'

/**
 * Serves a run in this process. The generator has a thread of its own all the same, so that a blocked event loop does
 * not make it late; thread, timers and connections are gone when this returns.
 */
export async function runInProcess(layout: Layout): Promise<Outcome> {
  const { scenario, settings } = layout
  const name = targetName(scenario)
  const target = await within(readyTarget(layout, name), settings, name, 'its setup hangs')
  let outcome: Omit<Outcome, 'teardown'>
  try {
    outcome = await serve(layout, target, name)
  } catch (error) {
    await within(target.close(), settings, name, 'its teardown hangs').catch(() => {})
    throw error
  }
  const closing = target.close().then(
    () => null,
    (error: unknown) => portable(error),
  )
  return { ...outcome, teardown: await within(closing, settings, name, 'its teardown hangs') }
}

async function readyTarget({ scenario }: Layout, name: string): Promise<LocalTarget> {
  const { handler, call, http } = scenario
  if (http !== undefined) return httpTarget(http)
  if (call !== undefined) return callTarget(call as Call)
  const ready = await prepare(async () => handler as HandlerInProcess)
  if ('unready' in ready) throw targetFailed(name, unreadyMessage(ready.unready), ready.unready.error)
  return handlerTarget(ready)
}

/** Awaits what the target does before and after the run, no longer than it may take, or until the run is aborted. */
async function within<Value>(
  work: Promise<Value>,
  { setupTimeoutMs, signal }: Layout['settings'],
  name: string,
  hangs: string,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  let abort = () => {}
  const over = new Promise<never>((_, reject) => {
    const late = () => reject(targetFailed(name, `it took longer than ${setupTimeoutMs} ms (setupTimeout): ${hangs}`))
    timer = setTimeout(late, setupTimeoutMs)
    abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

async function serve(layout: Layout, target: LocalTarget, name: string): Promise<Omit<Outcome, 'teardown'>> {
  const { scenario, settings, plan, policy, wire, host } = layout
  const { servers, arrivals, seed, http } = scenario
  const window = new Window(wire.window)
  const ring = new Ring(wire.ring)
  const ledger = new Ledger(wire.ledgers[0] as SharedArrayBuffer, policy.maxBatchSize, plan.segments.length)
  const observed = wire.observations?.[0]

  const answers = wire.answers === null ? null : new Answers(wire.answers)

  let local: LocalServers | null = null
  const books: Books = {
    window,
    ring,
    ledgers: [ledger],
    limited: limitedOf(layout),
    serving: () => local?.serving() ?? [],
  }
  const bell = new MessageChannel()
  let serveEnds = () => {}
  const served = new Promise<void>((resolve) => {
    serveEnds = resolve
  })
  const begin = (originNs: bigint) => {
    host.begin(originNs)
    const serving = {
      servers,
      policy,
      idle: settings.idle,
      ring,
      queue: wire.queue,
      limits: wire.limits === null ? null : limitsOf(wire.limits, window, answers),
      answers,
      bells: new Bells(1, wire.bells),
      window,
      ledger,
      observations: observed === undefined ? null : new Observations(observed, policy.maxBatchSize),
      target,
      timeout: timeoutOf(settings.batchTimeoutMs, http?.timeout ?? null),
      loop: eventLoop(originNs, settings.spinNs),
    }
    local = new LocalServers(serving, serveEnds)
    bell.port1.on('message', () => local?.wake())
    local.start()
  }

  const looks = await Looks.at(layout)
  const watched = {
    name,
    start: new Start(wire.start),
    books,
    lastNs: plan.lastNs,
    requests: plan.stop.requests,
    servers: 0,
    onGo: begin,
    onBlocked: () => {},
    looks,
  }
  const threads = await startThreads(1)
  try {
    const { spinNs } = settings
    const task = { wire, arrivals, seed, stop: plan.stop, sleepers: 1, bell: bell.port2, policy, spinNs }
    const generated = threads.generate(task, [bell.port2])
    const work = Promise.all([generated, served])
    const endedNs = await new Watch(watched, settings).until(work)
    const { lateNs } = await generated
    return {
      books,
      looks: looks?.looks,
      endedNs,
      lateNs,
      failure: (local as LocalServers | null)?.failure ?? null,
      deaths: [],
    }
  } finally {
    ;(local as LocalServers | null)?.stop(new Error('the run is over'))
    bell.port1.close()
    await host.stop()
    await looks?.destroy()
    await threads.destroy()
  }
}

function timeoutOf(batchTimeoutMs: number, httpTimeoutMs: number | null): { ms: number; option: string } {
  return httpTimeoutMs !== null && httpTimeoutMs < batchTimeoutMs
    ? { ms: httpTimeoutMs, option: 'http.timeout' }
    : { ms: batchTimeoutMs, option: 'batchTimeout' }
}

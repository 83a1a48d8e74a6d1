import { real } from '../../clock/real.js'
import { locate } from '../../handler/module.js'
import { unreadyMessage } from '../../handler/prepare.js'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'
import { MeasureError, targetFailed } from '../error.js'
import type { ResolvedOptions } from '../options.js'
import { stateOf } from '../recording/build-recording.js'
import { Checkpoints } from '../recording/checkpoints.js'
import { Snapshots } from '../recording/snapshots.js'
import type { RunContext, RunOutcome } from '../run-context.js'
import type { ServerReport, ServerTask } from './server-thread.js'
import { Watch } from './watch.js'
import { WorkerExits } from './worker-exits.js'

const SERVER = new URL('./server-thread.js', import.meta.url)

/** A handler module: its URL, and its name in messages. */
interface Module {
  url: string
  name: string
}

/** Serves a run by a handler module on threads, which have ended when the promise settles. */
export async function runOnThreads(context: RunContext, handler: string, servers: number): Promise<RunOutcome> {
  const { plan, scenario, memory, options, host, clock, coordination } = context
  const module = locateModule(handler)
  const window = memory.window()
  const state = stateOf(window, memory.queue(window, clock.now), memory.stats(), memory.classes)
  const reports: ServerReport[] = []
  const exits = new WorkerExits(state, clock)
  const pool = await startPool(servers, { atOnce: 1 })
  const checkpoints = await Checkpoints.of(scenario, memory).catch(async (error: unknown) => {
    await pool.destroy()
    throw error
  })
  const snapshots = Snapshots.of(context)
  const watched = {
    name: module.name,
    memory,
    state,
    plan,
    servers,
    checkpoints,
    snapshots,
    coordination,
    onStart: (originNs: bigint) => {
      clock.start(originNs)
      exits.begin()
      host.begin(originNs)
    },
    onBlocked: (server: number, error: Error) => exits.kill(server, error),
    wake: () => state.queue.notifyAll(),
  }
  let over = false
  const serve = async (server: number) => {
    const task = taskOf(SERVER, 'serve', taskFor(context, module, server))
    const running: Promise<ServerReport> = pool.run(task, { ...ENTRY, signal: exits.signal(server) })
    const report = await running.catch((error) => {
      const crash = memory.crashReport(server).read()
      return exits.handleExit(server, crash === null ? error : new Error(crash))
    })
    if (report === undefined) return
    if (report.unready !== null) {
      throw targetFailed(module.name, unreadyMessage(report.unready), report.unready.error)
    }
    reports.push(report)
  }
  let endedNs: number
  try {
    const serving = Promise.all(startOneByOne(servers, (server) => (over ? undefined : serve(server)))).catch(
      (error) => {
        if (error instanceof MeasureError) throw error
        throw targetFailed(module.name, `a server thread ended: ${(error as Error).message}`, error)
      },
    )
    endedNs = await new Watch(watched, options).until(serving)
  } finally {
    over = true
    await host.stop()
    await checkpoints?.destroy()
    await snapshots?.destroy()
    await pool.destroy()
  }
  return {
    state,
    checkpoints: checkpoints?.count,
    endedNs,
    failure: firstFailure(reports, exits),
    exits: exits.found,
    findings: [],
    teardown: reports.find(({ teardown }) => teardown !== null)?.teardown ?? null,
  }
}

/** Starts each in a macrotask of its own: starting a thread takes long, and an abort must be noticed in between. */
function startOneByOne(count: number, start: (index: number) => Promise<void> | undefined): Promise<void>[] {
  let previous = Promise.resolve()
  return Array.from({ length: count }, async (_, index) => {
    const own = previous
    previous = own.then(() => new Promise((resolve) => real.setImmediate(resolve)))
    await own
    await start(index)
  })
}

function taskFor(
  { memory, options }: { memory: RunContext['memory']; options: ResolvedOptions },
  { url }: Module,
  server: number,
): ServerTask {
  const { idle, spinNs, batchTimeoutMs } = options
  return { memory: memory.shared, server, handler: url, idle, spinNs, batchTimeoutMs }
}

function locateModule(handler: string): Module {
  try {
    const { url, path } = locate(handler)
    return { url, name: `handler ${path}` }
  } catch (error) {
    throw targetFailed(`handler ${handler}`, (error as Error).message, error)
  }
}

function firstFailure(reports: ServerReport[], { found }: WorkerExits): Error | null {
  const all = [...reports.flatMap(({ failure }) => failure ?? []), ...found]
  return all.sort((a, b) => a.atNs - b.atNs)[0]?.error ?? null
}

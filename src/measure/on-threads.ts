import { locate } from '../handler/module.js'
import { unreadyMessage } from '../handler/prepare.js'
import { booksOf } from './account.js'
import { Deaths } from './deaths.js'
import { MeasureError, targetFailed } from './error.js'
import type { Layout, Outcome } from './layout.js'
import { Ledger } from './ledger.js'
import { limitedOf } from './limited.js'
import { Looks } from './looks.js'
import { Ring } from './ring.js'
import type { ServerReport } from './server.js'
import { Start } from './start.js'
import { startThreads, type Threads } from './threads.js'
import { Watch } from './watch.js'
import { Window } from './window.js'

/** What the threads have said when they were done. */
interface Reports {
  lateNs: number
  servers: ServerReport[]
}

/** A handler's module: where it is, and how messages call it. */
interface Module {
  url: string
  name: string
}

/** Has a handler's module serve a run, on threads, which are gone when this returns. */
export async function runOnThreads(layout: Layout, handler: string, servers: number): Promise<Outcome> {
  const { plan, wire, policy, settings, host } = layout
  const module = located(handler)
  const ledgers = wire.ledgers.map((ledger) => new Ledger(ledger, policy.maxBatchSize, plan.segments.length))
  const books = booksOf(new Window(wire.window), new Ring(wire.ring), ledgers, limitedOf(layout))

  const reports: Reports = { lateNs: 0, servers: [] }
  const { name } = module
  const deaths = new Deaths(books, layout)
  const onGo = (originNs: bigint) => {
    deaths.begin(originNs)
    host.begin(originNs)
  }
  const onBlocked = (server: number, error: Error) => deaths.kill(server, error)
  const looks = await Looks.at(layout)
  const { lastNs, stop } = plan
  const start = new Start(wire.start)
  const watched = { name, start, books, lastNs, requests: stop.requests, servers, onGo, onBlocked, looks }
  const threads = await startThreads(servers + 1)
  let endedNs: number
  try {
    const work = giveTasks(threads, layout, module, deaths, reports)
    endedNs = await new Watch(watched, settings).until(work)
  } finally {
    await host.stop()
    await looks?.destroy()
    await threads.destroy()
  }
  return {
    books,
    looks: looks?.looks,
    endedNs,
    lateNs: reports.lateNs,
    failure: firstFailure(reports, deaths),
    deaths: deaths.found,
    teardown: reports.servers.find(({ teardown }) => teardown !== null)?.teardown ?? null,
  }
}

function located(handler: string): Module {
  try {
    const { url, path } = locate(handler)
    return { url, name: `handler ${path}` }
  } catch (error) {
    throw targetFailed(`handler ${handler}`, (error as Error).message, error)
  }
}

/** Gives each thread its task; resolves when all of them are done. */
async function giveTasks(
  threads: Threads,
  { scenario, settings, plan, wire, policy }: Layout,
  { url, name }: Module,
  deaths: Deaths,
  reports: Reports,
): Promise<void> {
  const { arrivals, seed } = scenario
  const servers = wire.ledgers.length
  const { idle, spinNs, batchTimeoutMs } = settings
  const generate = async () => {
    const task = { wire, arrivals, seed, stop: plan.stop, sleepers: servers, bell: null, policy, spinNs }
    reports.lateNs = (await threads.generate(task)).lateNs
  }
  const serve = async (server: number) => {
    const task = { wire, server, servers, handler: url, policy, idle, spinNs, batchTimeoutMs }
    const report = await threads.serve(task, deaths.signal(server)).catch((error) => deaths.bury(server, error))
    if (report === undefined) return
    if (report.unready !== null) throw targetFailed(name, unreadyMessage(report.unready), report.unready.error)
    reports.servers.push(report)
  }
  const tasks = [generate(), ...Array.from({ length: servers }, (_, server) => serve(server))]
  try {
    await Promise.all(tasks)
  } catch (error) {
    if (error instanceof MeasureError) throw error
    throw targetFailed(name, `a thread of the run ended: ${(error as Error).message}`, error)
  }
}

function firstFailure({ servers }: Reports, { found }: Deaths): Error | null {
  const failures = servers.flatMap(({ failure }) => failure ?? [])
  const all = [...failures, ...found]
  return all.sort((a, b) => a.atNs - b.atNs)[0]?.error ?? null
}

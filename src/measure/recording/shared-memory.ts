import { real } from '../../clock/real.js'
import { countInShard } from '../../scenario/arrivals/shard.js'
import { buildPolicy } from '../../scenario/batching-policy.js'
import type { Classes } from '../../scenario/classes.js'
import type { Good } from '../../scenario/good.js'
import { nanoseconds } from '../../scenario/nanoseconds.js'
import { classesInShard, classesOf, drawnClasses, type RequestClasses } from '../../scenario/request-classes.js'
import type { ResolvedScenario } from '../../scenario/scenario.js'
import type { Clock } from '../clock/clock.js'
import { StartBarrier } from '../clock/start-barrier.js'
import { allocateHost, type HostBuffers } from '../host/host-watch.js'
import type { Plan } from '../plan.js'
import { Drops } from '../queue/drops.js'
import { allocateQueue, type QueueBuffers, type QueueSetup, SharedQueue } from '../queue/shared-queue.js'
import { PLACES } from '../queue/waiting-room.js'
import { CrashReport } from './crash-report.js'
import { Observations } from './observations.js'
import { ServerStats } from './server-stats.js'
import { AHEAD_NS, Window } from './window.js'

/** The memory that the threads of a run share. */
export interface RunBuffers {
  /** the start line, and time 0 */
  start: SharedArrayBuffer
  /** the window, its segments, and the requests that were due */
  window: SharedArrayBuffer
  /** the waiting requests, and which servers are idle or asleep */
  queue: QueueBuffers
  /** the statistics of each server */
  stats: SharedArrayBuffer[]
  /** each server's batches one by one; null if they are not observed */
  observations: SharedArrayBuffer[] | null
  /** the uncaught error of each server's thread */
  crashes: SharedArrayBuffer[]
  /** measurements of the machine */
  host: HostBuffers
}

/** What the threads of a run need to know. */
export interface RunSetup extends QueueSetup {
  /** the limits that make a request good; absent if requests are not judged */
  good?: Good | undefined
  /** the names of the requests' classes; empty if they have none */
  classNames: readonly string[]
  /** how requests are drawn from them; absent if only the process that sends the requests knows their classes */
  classes?: Classes | undefined
}

interface MemoryOptions {
  /** how many batches to keep one by one */
  observe?: number
  /** how many requests may wait before the run ends */
  waiting?: number
  /** the classes of the requests, if the scenario does not say them */
  classes?: RequestClasses | null
}

/** The setup and memory of a run, from which each of its threads makes its objects. Its two fields can be sent. */
export class SharedMemory {
  readonly setup: RunSetup
  readonly buffers: RunBuffers
  /** the classes of the requests; null if they have none */
  readonly classes: RequestClasses | null

  constructor({ setup, buffers }: Pick<SharedMemory, 'setup' | 'buffers'>, classes = classesIn(setup)) {
    this.setup = setup
    this.buffers = buffers
    this.classes = classes
  }

  /**
   * Allocates the memory of a run, before it begins.
   *
   * @param threads the number of serving threads, including this one if requests are served in this process
   */
  static allocate(scenario: ResolvedScenario, plan: Plan, threads: number, options: MemoryOptions = {}): SharedMemory {
    const { observe = 0, waiting = PLACES } = options
    const { arrivals, seed, queue, servers, good } = scenario
    const policy = buildPolicy(scenario.batching)
    const classes = classesInShard(options.classes ?? classesOf(scenario), plan.shard)
    const setup: RunSetup = {
      arrivals:
        arrivals.process === 'closed' ? { ...arrivals, clients: countInShard(arrivals.clients, plan.shard) } : arrivals,
      seed,
      shard: plan.shard,
      end: plan.stop,
      policy,
      servers,
      inProcess: typeof scenario.handler !== 'string',
      capacity: queue.capacity ?? Number.POSITIVE_INFINITY,
      timeoutNs: queue.timeout === null ? Number.POSITIVE_INFINITY : nanoseconds(queue.timeout),
      good,
      classNames: classes?.names ?? [],
      classes: scenario.classes,
    }
    const segments = plan.segments.length
    const each = (bytes: number) => Array.from({ length: threads }, () => new SharedArrayBuffer(bytes))
    const buffers: RunBuffers = {
      start: new StartBarrier().buffer,
      window: Window.of(plan).buffer,
      queue: allocateQueue(setup, segments, waiting, setup.classNames.length),
      stats: each(ServerStats.bytes(policy.maxBatchSize, segments, setup.classNames.length)),
      observations: observe === 0 ? null : each(Observations.bytes(Math.ceil(observe / threads), policy.maxBatchSize)),
      crashes: each(CrashReport.bytes),
      host: allocateHost(threads),
    }
    return new SharedMemory({ setup, buffers }, classes)
  }

  /** The data to send to another thread. */
  get shared(): Pick<SharedMemory, 'setup' | 'buffers'> {
    return { setup: this.setup, buffers: this.buffers }
  }

  window(): Window {
    return new Window(this.buffers.window)
  }

  queue(window: Window, clock: Clock): SharedQueue {
    return new SharedQueue(this.setup, this.buffers.queue, window, clock, AHEAD_NS, this.classes)
  }

  stats(buffers = this.buffers.stats): ServerStats[] {
    const { policy, good } = this.setup
    const { segments } = this.window()
    return buffers.map((buffer) => new ServerStats(buffer, policy.maxBatchSize, segments, good, this.classes))
  }

  drops(buffer = this.buffers.queue.drops): Drops {
    return new Drops(buffer, this.window().segments, this.classes)
  }

  /**
   * Copies the statistics of all servers and the drops, while the run continues: those of each server are as of one moment.
   * If that does not succeed within 50 ms, since a server records batch after batch, its figures may differ by the batches
   * of the last attempt.
   */
  copyStats(): { stats: ServerStats[]; drops: Drops } {
    const { stats: live, queue } = this.buffers
    const untilMs = real.now() + COPY_MS
    const giveUp = () => real.now() > untilMs
    const stats = this.stats(live.map(({ byteLength }) => new SharedArrayBuffer(byteLength)))
    const drops = this.drops(new SharedArrayBuffer(queue.drops.byteLength))
    for (const [server, each] of this.stats().entries()) stats[server]?.copyFrom(each, giveUp)
    drops.copyFrom(this.drops(), giveUp)
    return { stats, drops }
  }

  crashReport(server: number): CrashReport {
    return new CrashReport(this.buffers.crashes[server] as SharedArrayBuffer)
  }

  /** The batches of a server, one by one; null if they are not observed. */
  observations(server: number): Observations | null {
    const buffer = this.buffers.observations?.[server]
    return buffer === undefined ? null : new Observations(buffer, this.setup.policy.maxBatchSize)
  }
}

/** How long copying may take. It turns, and so disturbs the servers. */
const COPY_MS = 50

/** The classes of a run's requests on another thread than the one that allocated its memory. */
function classesIn({ classNames, classes, seed, shard }: RunSetup): RequestClasses | null {
  if (classes !== undefined) return classesInShard(drawnClasses(classes, seed), shard)
  if (classNames.length === 0) return null
  // a thread that only reads what was counted
  const classOf = () => {
    throw new Error('only the thread that sends the requests knows their classes')
  }
  return { names: classNames, classOf }
}

import { buildPolicy } from '../../scenario/batching.js'
import type { Good } from '../../scenario/good.js'
import type { ResolvedScenario } from '../../scenario/scenario.js'
import { nanoseconds } from '../../scenario/units.js'
import type { Clock } from '../clock/clock.js'
import { StartLine } from '../clock/start.js'
import { allocateHost, type HostBuffers } from '../host/host-watch.js'
import type { Plan } from '../plan.js'
import { allocateQueue, type QueueBuffers, type QueueSetup, SharedQueue } from '../queue/shared-queue.js'
import { PLACES } from '../queue/waiting-room.js'
import { CrashReport } from './crash-report.js'
import { Observations } from './observations.js'
import { ServerStats } from './server-stats.js'
import { Window } from './window.js'

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
}

/** The setup and memory of a run, from which each of its threads makes its objects. Its two fields can be sent. */
export class SharedMemory {
  readonly setup: RunSetup
  readonly buffers: RunBuffers

  constructor({ setup, buffers }: Pick<SharedMemory, 'setup' | 'buffers'>) {
    this.setup = setup
    this.buffers = buffers
  }

  /**
   * Allocates the memory of a run, before it begins.
   *
   * @param threads the number of serving threads, including this one if requests are served in this process
   * @param observe how many batches to keep one by one
   * @param waiting how many requests may wait before the run ends
   */
  static allocate(
    scenario: ResolvedScenario,
    plan: Plan,
    threads: number,
    observe: number,
    waiting: number = PLACES,
  ): SharedMemory {
    const { arrivals, seed, queue, servers, good } = scenario
    const policy = buildPolicy(scenario.batching)
    const setup: RunSetup = {
      arrivals,
      seed,
      end: plan.stop,
      policy,
      servers,
      inProcess: typeof scenario.handler !== 'string',
      capacity: queue.capacity ?? Number.POSITIVE_INFINITY,
      timeoutNs: queue.timeout === null ? Number.POSITIVE_INFINITY : nanoseconds(queue.timeout),
      good,
    }
    const segments = plan.segments.length
    const each = (bytes: number) => Array.from({ length: threads }, () => new SharedArrayBuffer(bytes))
    const buffers: RunBuffers = {
      start: new StartLine().buffer,
      window: Window.of(plan).buffer,
      queue: allocateQueue(setup, segments, waiting),
      stats: each(ServerStats.bytes(policy.maxBatchSize, segments)),
      observations: observe === 0 ? null : each(Observations.bytes(Math.ceil(observe / threads), policy.maxBatchSize)),
      crashes: each(CrashReport.bytes),
      host: allocateHost(threads),
    }
    return new SharedMemory({ setup, buffers })
  }

  /** The data to send to another thread. */
  get shared(): Pick<SharedMemory, 'setup' | 'buffers'> {
    return { setup: this.setup, buffers: this.buffers }
  }

  window(): Window {
    return new Window(this.buffers.window)
  }

  queue(window: Window, clock: Clock): SharedQueue {
    return new SharedQueue(this.setup, this.buffers.queue, window, clock)
  }

  stats(): ServerStats[] {
    const { window, stats } = this.buffers
    const { policy, good } = this.setup
    const { segments } = new Window(window)
    return stats.map((buffer) => new ServerStats(buffer, policy.maxBatchSize, segments, good))
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

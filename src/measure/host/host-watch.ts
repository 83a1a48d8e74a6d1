import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { real } from '../../clock/real.js'
import { type CpuQuota, cpuQuota } from '../../machine/cgroup.js'
import { findBusiestOther, type ProcessTimes, readProcessTimes } from '../../machine/processes.js'
import type { Cpu, EventLoopDelay, Host } from '../../result/host.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { type Clock, clockFrom } from '../clock/clock.js'
import type { Window } from '../recording/window.js'
import { type CpuReading, cpuBetween, readCpu, threadId } from './cpu.js'
import { GC_LENGTH, summarizePauses, watchGc } from './gc.js'
import { SpeedProbe } from './speed.js'

/**
 * What each server thread reports about itself, in one buffer a thread.
 *
 * ```
 * buffer: | kernel's thread ID: double | garbage collection pauses: doubles, see gc.ts |
 * ```
 */
export type HostBuffers = SharedArrayBuffer[]

const ID = 0
const GC = 1

export const allocateHost = (threads: number): HostBuffers =>
  Array.from({ length: threads }, () => new SharedArrayBuffer(8 * (GC + GC_LENGTH)))

/**
 * Starts to report about this server thread.
 *
 * @param server the server's index
 * @param originNs the time of `process.hrtime.bigint()` at the start of the run
 * @returns a function that stops, after everything is reported
 */
export function watchThread(
  buffers: HostBuffers,
  server: number,
  window: Window,
  originNs: bigint,
): () => Promise<void> {
  const values = new Float64Array(buffers[server] as SharedArrayBuffer)
  values[ID] = threadId()
  return watchGc(values.subarray(GC), window, originNs)
}

/** The interval of the timer whose lateness is the event loop delay. */
const RESOLUTION_MS = 2
const THREADS_SLEEP =
  'server threads sleep outside their event loops between batches, so the delay would include sleep; blocking while a batch is served is part of its service time'

/** Reads the delay. Node measures from one timer to the next, so its interval is subtracted. */
function delayOf(loop: IntervalHistogram): EventLoopDelay | null {
  if (loop.count === 0) return null
  const late = (ns: number) => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS)
  return {
    thread: 'main',
    meanMs: late(loop.mean),
    p50Ms: late(loop.percentile(50)),
    p99Ms: late(loop.percentile(99)),
    maxMs: late(loop.max),
  }
}

/** How often to check whether the window ended early. */
const CHECK_MS = 100

/** Watches the machine during a run from the main thread. It reads the kernel's counters at both ends of the window. */
export class HostWatch {
  readonly #buffers: HostBuffers
  readonly #window: Window
  readonly #threads: Float64Array[]
  readonly #names: string[]
  readonly #processes: ProcessTimes = readProcessTimes()
  #clock: Clock = () => 0
  #before: CpuReading | string = 'the run ended before its window began'
  #after: CpuReading | string | null = null
  #quota: { before: CpuQuota; after: CpuQuota | null } | null = null
  #timer: NodeJS.Timeout | undefined
  #speed: SpeedProbe | null = null
  #busiest: ReturnType<typeof findBusiestOther> = null
  /** the delay of this thread's event loop, if it serves requests; else null */
  readonly #loop: IntervalHistogram | null
  #stopWatching = async () => {}

  /** @param inProcess whether requests are served on this thread, and not on server threads */
  constructor(buffers: HostBuffers, window: Window, inProcess: boolean) {
    this.#buffers = buffers
    this.#window = window
    this.#threads = buffers.map((buffer) => new Float64Array(buffer))
    this.#names = buffers.map((_, server) => (inProcess ? 'main' : `server ${server + 1}`))
    this.#loop = inProcess ? monitorEventLoopDelay({ resolution: RESOLUTION_MS }) : null
  }

  /** Starts to watch, when time 0 is set. */
  begin(originNs: bigint): void {
    this.#clock = clockFrom(originNs)
    this.#speed = new SpeedProbe(this.#clock)
    if (this.#loop !== null) this.#stopWatching = watchThread(this.#buffers, 0, this.#window, originNs)
    this.#at(
      () => this.#window.startNs,
      () => {
        this.#before = this.#read()
        const quota = cpuQuota()
        if (quota !== null) this.#quota = { before: quota, after: null }
        this.#loop?.enable()
        this.#speed?.start()
        this.#at(
          () => this.#window.endNs,
          () => this.#end(),
        )
      },
    )
  }

  #at(ns: () => number, then: () => void): void {
    const leftMs = (ns() - this.#clock()) / NS_PER_MS
    if (leftMs <= 0) then()
    else this.#timer = real.setTimeout(() => this.#at(ns, then), Math.min(leftMs, CHECK_MS))
  }

  #read(): CpuReading | string {
    return readCpu(
      this.#threads.map((values) => values[ID] as number),
      this.#clock(),
    )
  }

  /** Reads the counters at the end of the window. */
  #end(): void {
    this.#speed?.stop()
    this.#loop?.disable()
    if (typeof this.#before === 'string' || this.#after !== null) return
    this.#after = this.#read()
    if (this.#quota !== null) this.#quota.after = cpuQuota()
  }

  /** Stops watching, when the run has ended and its threads still exist. */
  async stop(): Promise<void> {
    real.clearTimeout(this.#timer)
    this.#end()
    this.#busiest = findBusiestOther(this.#processes, readProcessTimes())
    await this.#stopWatching()
  }

  result(): Host {
    const eventLoopDelay = this.#loop === null ? null : delayOf(this.#loop)
    const speed = this.#speed?.read(this.#window) ?? 'the run ended before time 0'
    const after = this.#after
    const reason = typeof this.#before === 'string' ? this.#before : typeof after === 'string' ? after : null
    const cpu =
      typeof this.#before === 'string' || typeof after === 'string' || after === null
        ? null
        : { ...cpuBetween(this.#before, after, this.#names), ...this.#others(), ...this.#throttled() }
    return {
      speed: typeof speed === 'string' ? null : speed,
      gc: this.#threads.map((values, i) => summarizePauses(this.#names[i] as string, values.subarray(GC))),
      eventLoopDelay,
      cpu,
      reasons: {
        ...(typeof speed === 'string' && { speed }),
        ...(eventLoopDelay === null && {
          eventLoopDelay: this.#loop === null ? THREADS_SLEEP : 'its timers did not fire',
        }),
        ...(reason !== null && { cpu: reason }),
      },
    }
  }

  #others(): Pick<Cpu, 'busiestOther'> {
    return this.#busiest === null ? {} : { busiestOther: `${this.#busiest.name} (pid ${this.#busiest.pid})` }
  }

  #throttled(): Pick<Cpu, 'throttled'> {
    const { before, after } = this.#quota ?? {}
    if (before === undefined || after === null || after === undefined) return {}
    return {
      throttled: {
        quotaCores: after.cores,
        periods: after.throttled.periods - before.throttled.periods,
        ms: after.throttled.ms - before.throttled.ms,
      },
    }
  }
}

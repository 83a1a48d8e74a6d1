import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { EventLoopDelay, Host } from '../result/host.js'
import { NS_PER_MS } from '../scenario/units.js'
import { type Clock, clockFrom } from './clock.js'
import { type CpuReading, cpuBetween, readCpu, threadId } from './cpu.js'
import { GC_LENGTH, pausesOf, watchGc } from './gc.js'
import type { Plan } from './plan.js'
import { SpeedLog } from './speed.js'
import type { Window } from './window.js'

/** What the threads of a run say of the machine, in memory that they share. */
export interface HostWire {
  /** each thread's number with the kernel, and its pauses: the generator's first, then each server's */
  threads: SharedArrayBuffer[]
  speed: SharedArrayBuffer
}

const GENERATOR = 0
const ID = 0
const GC = 1

/** @param looked whether the run may end before its plan does */
export function layOutHost({ startNs, endNs, lastNs }: Plan, servers: number, looked: boolean): HostWire {
  return {
    threads: Array.from({ length: servers + 1 }, () => new SharedArrayBuffer(8 * (GC + GC_LENGTH))),
    speed: SpeedLog.of(startNs, looked ? Number.POSITIVE_INFINITY : Math.min(endNs, lastNs)).buffer,
  }
}

/**
 * A thread of the run tells of itself from now on.
 *
 * @param server which server it is, -1 for the generator
 * @param originNs the time of `process.hrtime.bigint()` at the start of the run
 * @returns ends it, once all has been told
 */
export function attend(wire: HostWire, server: number, window: Window, originNs: bigint): () => Promise<void> {
  const values = new Float64Array(wire.threads[GENERATOR + 1 + server] as SharedArrayBuffer)
  values[ID] = threadId()
  return watchGc(values.subarray(GC), window, originNs)
}

/** How often a timer fires that is to tell how late it is. */
const RESOLUTION_MS = 2
const SLEEPS =
  'server threads sleep outside of their event loops between batches, so that its delay would tell of sleep; what blocks a loop while a batch is served is in its service time'

/** Node counts from one firing of a timer to the next: its interval is no delay. */
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

/** How often it is looked whether the window was ended early. */
const LOOK_MS = 100

/** Watches what the machine does during a run, from the main thread: it reads the clocks of the kernel at both ends. */
export class HostWatch {
  readonly wire: HostWire
  readonly #window: Window
  readonly #threads: Float64Array[]
  readonly #names: string[]
  #clock: Clock = () => 0
  #before: CpuReading | string = 'the run ended before its window began'
  #after: CpuReading | string | null = null
  #timer: NodeJS.Timeout | undefined
  /** where this process serves: of its own thread */
  readonly #loop: IntervalHistogram | null
  #told = async () => {}

  /** @param inProcess whether requests are served in this process, and not on threads */
  constructor(wire: HostWire, window: Window, inProcess: boolean) {
    this.wire = wire
    this.#window = window
    this.#threads = wire.threads.map((buffer) => new Float64Array(buffer))
    this.#names = wire.threads.map((_, i) => (i === GENERATOR ? 'generator' : inProcess ? 'main' : `server ${i}`))
    this.#loop = inProcess ? monitorEventLoopDelay({ resolution: RESOLUTION_MS }) : null
  }

  /** Time 0 is set. */
  begin(originNs: bigint): void {
    this.#clock = clockFrom(originNs)
    if (this.#loop !== null) this.#told = attend(this.wire, 0, this.#window, originNs)
    this.#at(
      () => this.#window.startNs,
      () => {
        this.#before = this.#read()
        this.#loop?.enable()
        this.#at(
          () => this.#window.endNs,
          () => {
            this.#after = this.#read()
            this.#loop?.disable()
          },
        )
      },
    )
  }

  #at(ns: () => number, then: () => void): void {
    const leftMs = (ns() - this.#clock()) / NS_PER_MS
    if (leftMs <= 0) then()
    else this.#timer = setTimeout(() => this.#at(ns, then), Math.min(leftMs, LOOK_MS))
  }

  #read(): CpuReading | string {
    return readCpu(
      this.#threads.map((values) => values[ID] as number),
      this.#clock(),
    )
  }

  /** The run is over, its threads are still there: nothing is watched from now on. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    if (typeof this.#before !== 'string') this.#after ??= this.#read()
    this.#loop?.disable()
    await this.#told()
  }

  result(): Host {
    const eventLoopDelay = this.#loop === null ? null : delayOf(this.#loop)
    const speed = new SpeedLog(this.wire.speed).read(this.#window)
    const after = this.#after
    const reason = typeof this.#before === 'string' ? this.#before : typeof after === 'string' ? after : null
    const cpu =
      typeof this.#before === 'string' || typeof after === 'string' || after === null
        ? null
        : cpuBetween(this.#before, after, this.#names)
    return {
      speed: typeof speed === 'string' ? null : speed,
      gc: this.#threads.map((values, i) => pausesOf(this.#names[i] as string, values.subarray(GC))),
      eventLoopDelay,
      cpu,
      reasons: {
        ...(typeof speed === 'string' && { speed }),
        ...(eventLoopDelay === null && { eventLoopDelay: this.#loop === null ? SLEEPS : 'its timers did not fire' }),
        ...(reason !== null && { cpu: reason }),
      },
    }
  }
}

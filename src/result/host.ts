/** The state of the machine during the window of a measurement. */
export interface Host {
  speed: Speed | null
  /** garbage collection pauses of each thread of the run */
  gc: GcPauses[] | null
  eventLoopDelay: EventLoopDelay | null
  cpu: Cpu | null
  /** why a field is null */
  reasons: Partial<Record<'speed' | 'gc' | 'eventLoopDelay' | 'cpu', string>>
}

/** How fast the machine ran a short loop that the main thread timed 50 times a second, relative to the window's mean. */
export interface Speed {
  /** means of the slowest and of the fastest tenth of the timeline, for example 0.8 and 1.1 */
  slowest: number
  fastest: number
  /** at most 40 points over the window */
  timeline: { atMs: number; speed: number }[]
}

/** `server 1`, `server 2`, … for threads that serve, or `main` for the main thread. */
export type ThreadName = string

/** Garbage collection of one thread, over the window. */
export interface GcPauses {
  thread: ThreadName
  /** parts of a pause outside the window do not count */
  count: number
  totalMs: number
  longestMs: number
  /** of the young generation, of the whole heap, in incremental steps, and for weak references */
  kinds: { minor: number; major: number; incremental: number; weak: number }
}

/** How late the timers of an event loop were. */
export interface EventLoopDelay {
  thread: ThreadName
  meanMs: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

/** CPU time of the machine and of the threads of the run, over the window. */
export interface Cpu {
  /** the time between the readings at the two ends of the window */
  periodMs: number
  /** all cores of the machine, not only those that this process may use */
  cores: number
  threads: CpuOfThread[]
  /** of the whole process: its threads, V8's own, and others */
  processMs: number
  /** of all other processes; exact to 10 ms */
  othersMs: number
  /** time that a hypervisor gave to others, on all cores; exact to 10 ms */
  stealMs: number
  /** name and id of the other process that used the most CPU during the run; absent if no other process used any */
  busiestOther?: string
  /** the CPU quota, and how often and how long it paused this container in the window; absent without a quota */
  throttled?: { quotaCores: number; periods: number; ms: number }
}

/** CPU time of one thread, over the window. */
export interface CpuOfThread {
  thread: ThreadName
  busyMs: number
  /** of one core: 1 for a thread that was always busy */
  fraction: number
  /** it was runnable, but had no CPU */
  waitingMs: number
}

/** The machine that a measurement ran on. */
export interface Environment {
  node: string
  platform: string
  cpu: string
  cores: number
  /** how many cores the container's CPU quota allows; null without a quota, absent in results of earlier versions */
  cpuQuota?: number | null
  /** the load average over one minute when the run began */
  load: number
}

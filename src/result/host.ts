/** What the machine did during the window of a measurement. */
export interface Host {
  speed: Speed | null
  /** pauses of garbage collection, of each thread of the run */
  gc: GcPauses[] | null
  eventLoopDelay: EventLoopDelay | null
  cpu: Cpu | null
  /** why what is null cannot be told */
  reasons: Partial<Record<'speed' | 'gc' | 'eventLoopDelay' | 'cpu', string>>
}

/**
 * How fast the machine was: a short loop that the main thread timed fifty times a second, relative to the mean of the
 * window.
 */
export interface Speed {
  /** means of the slowest and of the fastest tenth of the timeline: 0.8 and 1.1 of the mean, say */
  slowest: number
  fastest: number
  /** at most 40 stretches of the window */
  timeline: { atMs: number; speed: number }[]
}

/** `server 1`, `server 2`, … for threads that serve, or `main` for the process' own thread. */
export type ThreadName = string

export interface GcPauses {
  thread: ThreadName
  /** parts of a pause outside of the window do not count */
  count: number
  totalMs: number
  longestMs: number
  /** of the young generation, of the whole heap, and of what is done in steps or for weak references */
  kinds: { minor: number; major: number; incremental: number; weak: number }
}

/** By how much a loop's timers were late. */
export interface EventLoopDelay {
  thread: ThreadName
  meanMs: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

export interface Cpu {
  /** how long the readings at the window's ends are apart */
  periodMs: number
  /** all that the machine has, not only what this process may use */
  cores: number
  threads: CpuOfThread[]
  /** of this process in all: its threads, V8's own, and others */
  processMs: number
  /** of all other processes; kept to 10 ms */
  othersMs: number
  /** what a hypervisor gave to others, of all cores; kept to 10 ms */
  stealMs: number
  /** name and number of the other process that used the most CPU during the run; absent if none used any */
  busiestOther?: string
  /** absent without a CPU quota: what it allows, and for how long it stopped this container in the window */
  throttled?: { quotaCores: number; periods: number; ms: number }
}

export interface CpuOfThread {
  thread: ThreadName
  busyMs: number
  /** of one core: 1 for a thread that never rested */
  fraction: number
  /** it could have run, and no core was free for it */
  waitingMs: number
}

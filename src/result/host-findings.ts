import type { Cpu, Host, Speed } from './host.js'
import type { Estimate, Interval } from './summary.js'
import type { Finding } from './validity.js'

/** What the machine's own part in a measurement was. */
export function hostFindings({ speed, cpu }: Host): Finding[] {
  return [speed && unsteadySpeed(speed), cpu && contention(cpu)].filter((finding) => finding !== null)
}

/**
 * How far apart the fastest and the slowest tenth of the run may be. Beside a steady neighbour, or none, they were
 * found 1.07 to 1.11 times apart, and where neighbours come and go 1.26 to 1.88 times.
 */
const SPEEDS_APART = 1.2

function unsteadySpeed({ slowest, fastest }: Speed): Finding | null {
  const apart = fastest / slowest
  if (apart <= SPEEDS_APART) return null
  return {
    code: 'machine-unsteady',
    severity: 'warning',
    message: `the machine was ${apart.toFixed(2)} times as fast in its fastest tenth of the window as in its slowest: the same run may come out that differently another time. Intervals are widened by it`,
    figures: { slowest, fastest, apart },
  }
}

/** The machine's speed, where it moved so far that intervals have to allow for it; else null. */
export function speedThatMoved(findings: readonly Finding[], host: Host | null): Speed | null {
  return findings.some(({ code }) => code === 'machine-unsteady') ? (host?.speed ?? null) : null
}

/**
 * An interval that holds at another time too, where the machine's speed moved: what a machine does takes a time that
 * goes as one over its speed, and a whole run may find it as it was in the slowest or in the fastest tenth of this one.
 * Queues grow by more than that, which is not in it.
 */
export function widenedOne({ low, high, ...rest }: Interval, { slowest, fastest }: Speed): Interval {
  return {
    low: low === null ? null : low / Math.max(1, fastest),
    high: high === null ? null : high / Math.min(1, slowest),
    ...rest,
  }
}

/** The same of each. */
export function widened(intervals: Record<Estimate, Interval>, speed: Speed): typeof intervals {
  const entries = Object.entries(intervals).map(([estimate, interval]) => [estimate, widenedOne(interval, speed)])
  return Object.fromEntries(entries) as typeof intervals
}

/** A thread may have to wait for a core for this share of the time that it could have run, and of the window. */
const WAITED_OF_RUNNABLE = 0.1
const WAITED_OF_WINDOW = 0.005
/** What a hypervisor may take of all cores. */
const STOLEN = 0.02
/** This little of all cores was left idle. */
const BUSY = 0.95

/** Threads that could have run found no core, or as good as none was free. */
function contention({ periodMs, cores, threads, processMs, othersMs, stealMs }: Cpu): Finding | null {
  const machineMs = cores * periodMs
  const waited = threads
    .filter(({ busyMs, waitingMs }) => {
      return waitingMs > WAITED_OF_RUNNABLE * (busyMs + waitingMs) && waitingMs > WAITED_OF_WINDOW * periodMs
    })
    .sort((a, b) => b.waitingMs - a.waitingMs)
  const [most] = waited
  const busy = (processMs + othersMs + stealMs) / machineMs
  if (most === undefined && stealMs <= STOLEN * machineMs && busy <= BUSY) return null

  const of = (ms: number) => percent(ms / machineMs)
  const said =
    most === undefined
      ? `the machine's ${cores === 1 ? 'core was' : `${cores} cores were`} busy ${percent(busy)} of the time`
      : `${most.thread} could have run and found no core for ${percent(most.waitingMs / (most.busyMs + most.waitingMs))} of its time`
  const stolen = stealMs > 0 ? `, and a hypervisor gave ${of(stealMs)} to others` : ''
  return {
    code: 'cpu-contention',
    severity: 'warning',
    message: `${said}: of ${cores === 1 ? '1 core' : `${cores} cores`}, this process used ${of(processMs)} and other processes ${of(othersMs)}${stolen}. What was measured is in part who else was running; stop it, or use fewer servers`,
    figures: {
      cores,
      processShare: processMs / machineMs,
      othersShare: othersMs / machineMs,
      stealShare: stealMs / machineMs,
      ...(most && { waitingMs: most.waitingMs, waitingShare: most.waitingMs / (most.busyMs + most.waitingMs) }),
    },
  }
}

const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`

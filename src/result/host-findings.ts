import { milliseconds, plural, roughPercent } from '../text/number.js'
import type { Cpu, EventLoopDelay, Host, Speed } from './host.js'
import type { Finding } from './validity.js'

/**
 * Finds how the machine affected a measurement.
 *
 * @param windowMs the length of the window
 * @param servedOutside requests went to a server outside this process, which may run on this machine: then its CPU is
 * part of the run
 */
export function hostFindings({ speed, cpu, eventLoopDelay }: Host, windowMs: number, servedOutside = false): Finding[] {
  const all = [
    eventLoopDelay && stallFinding(eventLoopDelay, windowMs),
    speed && unsteadySpeedFinding(speed),
    cpu && contentionFinding(cpu, servedOutside),
    cpu && throttledFinding(cpu),
  ]
  return all.filter((finding) => finding !== null)
}

/** How long the event loop may stand still: this fraction of the window, which p99 does not show, or this time. */
const STALLED_OF_WINDOW = 0.01
const STALLED_MS = 200
/** If it stood still for more than this fraction of the window, the run measured this process and not the target. */
const MOSTLY_STALLED = 0.5

/** Finds a long stall: of a stopped process, a paused virtual machine, or long synchronous work. */
function stallFinding({ maxMs }: EventLoopDelay, windowMs: number): Finding | null {
  if (maxMs < Math.max(STALLED_MS, STALLED_OF_WINDOW * windowMs)) return null
  const fraction = Math.min(1, maxMs / windowMs)
  return {
    code: 'event-loop-stalled',
    severity: fraction > MOSTLY_STALLED ? 'error' : 'warning',
    message: `the event loop of this process was blocked for ${milliseconds(maxMs)}, ${roughPercent(fraction)} of the window: the process was stopped, or did long synchronous work. Requests that were due then started late, and responses were read late. Run again, and keep long synchronous work off the event loop`,
    figures: { stalledMs: maxMs, fraction },
  }
}

/** The highest accepted ratio of the fastest to the slowest tenth of the run (docs/validation/measuring.md). */
const SPEEDS_APART = 1.75

function unsteadySpeedFinding({ slowest, fastest }: Speed): Finding | null {
  const apart = fastest / slowest
  if (apart <= SPEEDS_APART) return null
  return {
    code: 'machine-unsteady',
    severity: 'warning',
    message: `the machine was ${apart.toFixed(2)} times as fast in the fastest tenth of the window as in the slowest: another run may differ by that much. Measure again on a quieter machine, or use compare, which runs both sides in turn`,
    figures: { slowest, fastest, apart },
  }
}

/** How long a thread may wait for a CPU: fractions of the time that it was runnable, and of the window. */
const WAITED_OF_RUNNABLE = 0.15
const WAITED_OF_WINDOW = 0.02
/** The fractions of all cores that a hypervisor may take, and that other processes may use. */
const STOLEN = 0.02
const OTHERS = 0.125
/** The fraction from which all cores count as busy. */
const BUSY = 0.95

/** Finds threads that waited for a CPU, and other processes that used much of it. */
function contentionFinding(cpu: Cpu, servedOutside: boolean): Finding | null {
  const { periodMs, cores, threads, processMs, othersMs, stealMs, busiestOther } = cpu
  const machineMs = cores * periodMs
  const waited = threads
    .filter(({ busyMs, waitingMs }) => {
      return waitingMs > WAITED_OF_RUNNABLE * (busyMs + waitingMs) && waitingMs > WAITED_OF_WINDOW * periodMs
    })
    .sort((a, b) => b.waitingMs - a.waitingMs)
  const [most] = waited
  const busy = (processMs + othersMs + stealMs) / machineMs
  const others = !servedOutside && othersMs > OTHERS * machineMs
  if (most === undefined && stealMs <= STOLEN * machineMs && !others && (busy <= BUSY || servedOutside)) return null

  const of = (ms: number) => roughPercent(ms / machineMs)
  const all = plural(cores, 'core')
  const lead =
    most === undefined
      ? `other processes used ${of(othersMs)} of ${all}`
      : `${most.thread} was runnable but had no CPU for ${roughPercent(most.waitingMs / (most.busyMs + most.waitingMs))} of its time; other processes used ${of(othersMs)} of ${all}`
  const named = busiestOther === undefined || othersMs <= stealMs ? '' : `, most of it by ${busiestOther}`
  const server = servedOutside ? ', the server under test included if it runs here' : ''
  const stolen = stealMs > 0 ? `, a hypervisor took ${of(stealMs)} for others` : ''
  const remedy = servedOutside
    ? 'Run the server under test on another machine, or lower the rate'
    : others
      ? 'Stop them, or expect longer latencies'
      : 'Use fewer servers than cores'
  return {
    code: 'cpu-contention',
    severity: 'warning',
    message: `${lead}${named}${server}${stolen}, and this process ${of(processMs)}. ${remedy}`,
    figures: {
      cores,
      processFraction: processMs / machineMs,
      othersFraction: othersMs / machineMs,
      stealFraction: stealMs / machineMs,
      ...(most && { waitingMs: most.waitingMs, waitingFraction: most.waitingMs / (most.busyMs + most.waitingMs) }),
    },
  }
}

/** Finds pauses by the container's CPU quota. */
function throttledFinding({ throttled, periodMs }: Cpu): Finding | null {
  if (throttled === undefined || throttled.periods === 0) return null
  const { quotaCores, periods, ms } = throttled
  return {
    code: 'cpu-throttled',
    severity: 'warning',
    message: `the container's CPU quota of ${Number(quotaCores.toPrecision(3))} cores throttled this process ${periods} times, for ${Number(ms.toPrecision(3))} ms of ${Number((periodMs / 1000).toPrecision(3))} s. Raise the quota, or use fewer servers`,
    figures: { quotaCores, periods, throttledMs: ms },
  }
}

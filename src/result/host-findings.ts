import { roughPercent } from '../text/number.js'
import type { Cpu, Host, Speed } from './host.js'
import type { Finding } from './validity.js'

/**
 * Finds what the machine's own part in a measurement was.
 *
 * @param servedOutside whether requests went to a server outside of this process: it may run on this machine, and its
 * CPU is then part of the run
 */
export function hostFindings({ speed, cpu }: Host, servedOutside = false): Finding[] {
  const all = [speed && unsteadySpeed(speed), cpu && contention(cpu, servedOutside), cpu && throttled(cpu)]
  return all.filter((finding) => finding !== null)
}

/** How far apart the fastest and the slowest tenth of the run may be: docs/validation/measuring.md has what was found. */
const SPEEDS_APART = 1.75

function unsteadySpeed({ slowest, fastest }: Speed): Finding | null {
  const apart = fastest / slowest
  if (apart <= SPEEDS_APART) return null
  return {
    code: 'machine-unsteady',
    severity: 'warning',
    message: `the machine was ${apart.toFixed(2)} times as fast in the fastest tenth of the window as in the slowest: another run may differ by that much. Measure again on a quieter machine, or use compare, which runs both sides in turn`,
    figures: { slowest, fastest, apart },
  }
}

/** A thread may have to wait for a core for this fraction of the time in which it could run, and of the window. */
const WAITED_OF_RUNNABLE = 0.15
const WAITED_OF_WINDOW = 0.02
/** What a hypervisor may take of all cores, and what other processes may use. */
const STOLEN = 0.02
const OTHERS = 0.125
/** All cores count as busy from here on. */
const BUSY = 0.95

/** Threads could have run and had no core, or other processes used much of what there is. */
function contention(cpu: Cpu, servedOutside: boolean): Finding | null {
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
  const all = cores === 1 ? '1 core' : `${cores} cores`
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

/** The container's CPU quota stopped its threads. */
function throttled({ throttled, periodMs }: Cpu): Finding | null {
  if (throttled === undefined || throttled.periods === 0) return null
  const { quotaCores, periods, ms } = throttled
  return {
    code: 'cpu-throttled',
    severity: 'warning',
    message: `the container's CPU quota of ${Number(quotaCores.toPrecision(3))} cores stopped it ${periods} times, for ${Number(ms.toPrecision(3))} ms of ${Number((periodMs / 1000).toPrecision(3))} s. Raise the quota, or use fewer servers`,
    figures: { quotaCores, periods, throttledMs: ms },
  }
}

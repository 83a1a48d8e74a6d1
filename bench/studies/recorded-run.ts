import { recorded, type ServiceInput } from 'throughline'
import type { Observation } from '../../src/measure/recording/observations.js'
import { CAUSES, type Cause } from '../../src/scenario/batching-policy.js'
import { NS_PER_MS } from '../../src/scenario/nanoseconds.js'

const ms = (ns: number) => ns / NS_PER_MS

/** The service and dispatch times of a run, as a service for `simulate`. */
export function recordedRun(observations: Observation[], by: 'order' | 'time'): ServiceInput {
  const overhead = Object.fromEntries(
    CAUSES.flatMap((cause) => {
      const own = observations.filter((each) => each.cause === cause)
      return own.length === 0 ? [] : [[cause, dispatchesOf(own, by)]]
    }),
  ) as Partial<Record<Cause, ReturnType<typeof dispatchesOf>>>
  return by === 'order'
    ? recorded({ by, times: observations.map(({ startNs, endNs }) => ms(endNs - startNs)), overhead })
    : recorded({
        by,
        times: observations.map(({ startNs, endNs, size }) => ({ at: ms(startNs), size, time: ms(endNs - startNs) })),
        overhead,
      })
}

function dispatchesOf(observations: Observation[], by: 'order' | 'time') {
  return by === 'order'
    ? recorded({ by, times: observations.map(({ leaveNs, startNs }) => ms(startNs - leaveNs)) })
    : recorded({
        by,
        times: observations.map(({ leaveNs, startNs }) => ({ at: ms(leaveNs), time: ms(startNs - leaveNs) })),
      })
}

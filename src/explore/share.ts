import { horizonOf, type ResolvedStop } from '../scenario/stop.js'

/** How much of a run is done, from 0 to 1. */
export function shareOf(stop: ResolvedStop, at: { requests: number; timeMs: number }): number {
  const horizon = horizonOf(stop)
  return Math.min(1, 'requests' in horizon ? at.requests / horizon.requests : at.timeMs / horizon.duration)
}

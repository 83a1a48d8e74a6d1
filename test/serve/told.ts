import { type Recorder, type Result, type Scenario, type SimulationEvent, simulate } from 'throughline'
import type { VirtualClock } from './virtual-clock.js'

/** So many times of a Poisson process, a millisecond apart on average, in whole microseconds. */
export function dues(count: number, seed: number): number[] {
  let state = seed
  let at = 0
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 48271) >>> 0) % 2147483647
    at += Math.round(-1000 * Math.log(1 - state / 2147483648))
    return at / 1000
  })
}

/** Tells a recorder of a simulation of one server, as a batcher would of live requests. */
export function told(
  recorder: Recorder,
  clock: VirtualClock,
  scenario: Scenario & { arrivals: { process: 'replay'; timestamps: number[] } },
): { result: Result; servingMs: number } {
  const { timestamps } = scenario.arrivals
  const due = (request: number) => timestamps[request] as number
  const happenings = timestamps.map((atMs) => ({ atMs, tell: () => recorder.arrived(atMs) }))
  let idleMs = 0
  let servingMs = 0
  const onEvent = (event: SimulationEvent) => {
    if (event.type !== 'batch') {
      const tell = () =>
        event.type === 'reject' ? recorder.rejected(due(event.request)) : recorder.timedOut(due(event.request))
      happenings.push({ atMs: event.atMs, tell })
      return
    }
    const { startMs, endMs, requests } = event
    const since = idleMs
    servingMs += endMs - startMs
    happenings.push({
      atMs: endMs,
      tell: () => {
        recorder.batch(requests.length, since, startMs, startMs, endMs)
        for (const request of requests) recorder.served(due(request))
      },
    })
    idleMs = endMs
  }
  const result = simulate(scenario, { onEvent })
  // those that happen at one instant stay in order
  for (const { atMs, tell } of happenings.sort((a, b) => a.atMs - b.atMs)) {
    clock.set(atMs)
    tell()
  }
  return { result, servingMs }
}

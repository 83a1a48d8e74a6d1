import { type Recorder, type Result, type Scenario, type SimulationEvent, simulate } from 'throughline'
import { drawnClasses } from '../../src/scenario/request-classes.js'
import type { VirtualClock } from './virtual-clock.js'

/** Returns `count` times of a Poisson process in milliseconds, one a millisecond on average, in whole microseconds. */
export function poissonTimes(count: number, seed: number): number[] {
  let state = seed
  let at = 0
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 48271) >>> 0) % 2147483647
    at += Math.round(-1000 * Math.log(1 - state / 2147483648))
    return at / 1000
  })
}

/** Simulates one server, and notifies a recorder of it as a batcher would of live requests. */
export function recordSimulation(
  recorder: Recorder,
  clock: VirtualClock,
  scenario: Scenario & { arrivals: { process: 'replay'; timestamps: number[] } },
): { result: Result; servingMs: number } {
  const { timestamps } = scenario.arrivals
  const due = (request: number) => timestamps[request] as number
  const weights = Object.entries(scenario.classes ?? {}).map(([name, { weight = 1 }]) => [name, { weight }] as const)
  const classes = weights.length === 0 ? null : drawnClasses(Object.fromEntries(weights), scenario.seed ?? 1)
  const classOf = (request: number) => classes?.names[classes.classOf(request)]
  const notifications = timestamps.map((atMs, i) => ({ atMs, notify: () => recorder.arrived(atMs, classOf(i)) }))
  let idleMs = 0
  let servingMs = 0
  const onEvent = (event: SimulationEvent) => {
    if (event.type !== 'batch') {
      const outcome = event.type === 'reject' ? 'rejected' : 'timedOut'
      const notify = () => recorder[outcome](due(event.request), classOf(event.request))
      notifications.push({ atMs: event.atMs, notify })
      return
    }
    const { startMs, endMs, requests } = event
    const since = idleMs
    servingMs += endMs - startMs
    notifications.push({
      atMs: endMs,
      notify: () => {
        recorder.batch(requests.length, since, startMs, startMs, endMs)
        for (const request of requests) recorder.served(due(request), classOf(request))
      },
    })
    idleMs = endMs
  }
  const result = simulate(scenario, { onEvent })
  // a stable sort: those of one instant stay in order
  for (const { atMs, notify } of notifications.sort((a, b) => a.atMs - b.atMs)) {
    clock.set(atMs)
    notify()
  }
  return { result, servingMs }
}

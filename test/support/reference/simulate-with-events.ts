import { expect } from 'vitest'
import { type Result, type Scenario, type SimulationEvent, simulate } from '../../../src/index.js'

export type BatchEvent = Extract<SimulationEvent, { type: 'batch' }>

/** A simulation with its events; `result` is null if no request of the window completed. */
export function simulateWithEvents(scenario: Scenario): {
  events: SimulationEvent[]
  batches: BatchEvent[]
  result: Result | null
} {
  const events: SimulationEvent[] = []
  let result: Result | null = null
  try {
    result = simulate(scenario, { onEvent: (event) => events.push(event) })
  } catch (error) {
    expect(String(error)).toMatch(/no request due in the window completed|in a window of no length/)
  }
  return { events, batches: events.filter((event) => event.type === 'batch'), result }
}

/** When the requests of a scenario are due: if service takes no time, each batch starts when its request is due. */
export function dueTimesOf({ arrivals, stop, seed }: Pick<Scenario, 'arrivals' | 'stop' | 'seed'>): number[] {
  return simulateWithEvents({ arrivals, stop, seed, service: 0, warmup: { requests: 0 } }).batches.map(
    (batch) => batch.startMs,
  )
}

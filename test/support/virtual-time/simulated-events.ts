import { expect } from 'vitest'
import type { Scenario } from '../../../src/index.js'
import { resolveScenario } from '../../../src/scenario/scenario.js'
import { Engine, type SimulationEvent } from '../../../src/simulate/engine.js'
import type { Dropped, Served } from './virtual-threads.js'

/** Simulates a scenario and returns its events, without a Result, which takes much longer than a short run. */
export function simulateEvents(scenario: Scenario): SimulationEvent[] {
  const events: SimulationEvent[] = []
  new Engine(resolveScenario(scenario, 'simulate'), (event) => events.push(event)).run()
  return events
}

/** Expects a run in virtual time to form the batches, and drop the requests, of a simulation with an affine service in ns. */
export function expectAsSimulated(
  { served, dropped }: { served: readonly Served[]; dropped: readonly Dropped[] },
  scenario: Scenario,
  { base, perItem }: { base: number; perItem: number },
): void {
  const batches: unknown[] = []
  const drops: unknown[] = []
  const service = { model: 'affine', base: base / 1e6, perItem: perItem / 1e6 } as const
  for (const event of simulateEvents({ ...scenario, service })) {
    if (event.type === 'batch') batches.push([event.startMs, event.endMs, event.requests])
    else drops.push([event.type, event.atMs, event.request])
  }
  expect(served.map(({ requests, startNs, endNs }) => [startNs / 1e6, endNs / 1e6, requests])).toEqual(batches)
  const types = { rejected: 'reject', timedOut: 'timeout' }
  expect(dropped.map(({ reason, atNs, number }) => [types[reason], atNs / 1e6, number])).toEqual(drops)
}

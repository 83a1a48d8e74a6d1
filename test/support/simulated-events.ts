import type { Scenario } from '../../src/index.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { Engine, type SimulationEvent } from '../../src/simulate/engine.js'

/** Simulates a scenario and returns its events, without a Result, which takes much longer than a short run. */
export function simulateEvents(scenario: Scenario): SimulationEvent[] {
  const events: SimulationEvent[] = []
  new Engine(resolveScenario(scenario, 'simulate'), (event) => events.push(event)).run()
  return events
}

import type { Scenario } from '../../src/index.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { Engine, type SimulationEvent } from '../../src/simulate/engine.js'

/** What a simulation tells: without its Result, which takes many times as long as a run of a few requests. */
export function simulatedEvents(scenario: Scenario): SimulationEvent[] {
  const events: SimulationEvent[] = []
  new Engine(resolveScenario(scenario, 'simulate'), (event) => events.push(event)).run()
  return events
}

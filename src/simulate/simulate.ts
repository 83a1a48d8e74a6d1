import type { Recording } from '../result/recording.js'
import { type Result, resultOf } from '../result/result.js'
import { ScenarioError } from '../scenario/error.js'
import { type KeptScenario, normalise, type Scenario } from '../scenario/scenario.js'
import { Engine, type SimulationEvent } from './engine.js'

/** What is not data about a simulation. */
export interface SimulateOptions {
  /** Called with every batch at its start, every rejection and every timeout, in order. */
  onEvent?: (event: SimulationEvent) => void
  /** Called every 65,536 requests; returning false ends the run there. */
  onProgress?: (progress: { requests: number; timeMs: number }) => unknown
}

/**
 * Runs a scenario in virtual time: servers whose service time is modelled by `scenario.service`, millions of
 * requests a second. The same scenario gives the same Result, to the byte.
 *
 * @throws ScenarioError where the scenario cannot be run, or no request completed
 */
export function simulate(scenario: Scenario | KeptScenario, options: SimulateOptions = {}): Result {
  const { onEvent, onProgress } = options
  const engine = new Engine(normalise(scenario, 'simulate'), onEvent)
  const goOn = onProgress && ((requests: number, timeMs: number) => onProgress({ requests, timeMs }) !== false)
  const recording = engine.run(goOn)
  refuseEmpty(recording)
  return resultOf(recording)
}

/** Refuses a recording that has nothing to show. */
export function refuseEmpty({ counts }: Recording): void {
  if (counts.completed > 0) return
  throw new ScenarioError(
    '',
    `no request that was due in the window completed: ${JSON.stringify(counts)}; run for longer, warm up for less, or let more through the queue`,
  )
}

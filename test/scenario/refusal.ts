import { expect } from 'vitest'
import { type Scenario, ScenarioError, simulate } from '../../src/index.js'

/** What a scenario is refused with: anything may be given, as from a file. */
export function refusal(scenario: unknown): ScenarioError {
  try {
    simulate(scenario as Scenario)
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError)
    return error as ScenarioError
  }
  throw new Error(`was run: ${JSON.stringify(scenario)}`)
}

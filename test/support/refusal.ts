import { expect } from 'vitest'
import { type Scenario, simulate, ValidationError } from '../../src/index.js'

/** What a scenario is refused with: anything may be given, as from a file. */
export function refusal(scenario: unknown): ValidationError {
  try {
    simulate(scenario as Scenario)
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError)
    return error as ValidationError
  }
  throw new Error(`was run: ${JSON.stringify(scenario)}`)
}

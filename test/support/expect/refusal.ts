import { expect } from 'vitest'
import { type Scenario, simulate, ValidationError } from '../../../src/index.js'

/** The error of an invalid scenario of any type, as from a file. */
export function refusal(scenario: unknown): ValidationError {
  try {
    simulate(scenario as Scenario)
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError)
    return error as ValidationError
  }
  throw new Error(`was run: ${JSON.stringify(scenario)}`)
}

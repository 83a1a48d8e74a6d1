import { type Result, type Scenario, simulate } from '../../../src/index.js'

/** A run, which is made once for all tests of a worker. */
export function runOf(scenario: Scenario): Result {
  const key = JSON.stringify(scenario)
  const result = made.get(key) ?? simulate(scenario)
  made.set(key, result)
  return result
}
const made = new Map<string, Result>()

import { type Result, resultOf } from '../result/result.js'
import { type ResolvedScenario, resolveScenario, type Scenario } from '../scenario/scenario.js'
import { targetName } from '../scenario/target.js'
import { MeasureError, nothingCompleted } from './error.js'
import { type MeasureOptions, parseAgents } from './options.js'
import { runMeasurement } from './run.js'
import type { Coordination } from './run-context.js'

/**
 * Runs a scenario on the real clock. Requests are due at times known in advance, and the target serves them: a handler
 * module on `scenario.servers` threads, a function in this process, or an HTTP server. With the same seed, a simulation
 * has the same requests. `docs/architecture.md` describes how it works.
 *
 * @returns latencies in milliseconds from the due time, with intervals and findings
 * @throws ValidationError if the scenario or an option is invalid, or cannot be measured
 * @throws MeasureError if the target fails to start or to end, or no request completed
 * @example
 * const result = await measure({ arrivals: '200/s', call: async () => {}, stop: { duration: '200ms' } })
 * console.log(result.latencyMs.p99)
 */
export async function measure(scenario: Scenario, options: MeasureOptions = {}): Promise<Result> {
  const { agents } = options ?? {}
  if (agents === undefined) return measureFrom(scenario, options, null)
  const { measureOnAgents } = await import('./agents/coordinate.js')
  const result = await measureOnAgents(scenario, { ...options, agents: parseAgents(agents) })
  return options.throwOnInvalid ? refuseInvalid(resolveScenario(scenario, 'measure'), result) : result
}

/** @param coordination of the shard of an agent */
export async function measureFrom(
  scenario: Scenario,
  options: MeasureOptions,
  coordination: Coordination | null,
): Promise<Result> {
  const resolved = resolveScenario(scenario, 'measure')
  const { recording, environment, host, failure } = await runMeasurement(resolved, options, 0, coordination)
  const { counts } = recording
  if (counts.completed === 0) throw nothingCompleted(resolved, counts, failure)
  const result = resultOf(recording, environment, host)
  return options.throwOnInvalid ? refuseInvalid(resolved, result) : result
}

function refuseInvalid(scenario: ResolvedScenario, result: Result): Result {
  if (result.validity.valid) return result
  const errors = result.validity.findings.filter(({ severity }) => severity === 'error')
  const list = errors.map(({ code, message }) => `${code}: ${message}`).join('\n')
  throw new MeasureError(`${targetName(scenario)}: the result is invalid\n${list}`, { result })
}

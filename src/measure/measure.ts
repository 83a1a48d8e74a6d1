import { type Result, resultOf } from '../result/result.js'
import { resolveScenario, type Scenario } from '../scenario/scenario.js'
import { targetName } from '../scenario/target.js'
import { MeasureError, nothingCompleted } from './error.js'
import type { MeasureOptions } from './options.js'
import { runMeasurement } from './run.js'

/**
 * Runs a scenario on the real clock. Its requests are due at times that are known in advance, and its target serves
 * them: a handler module on `scenario.servers` threads, a function in this process, or an HTTP server. With the same
 * seed they are the same requests as in a simulation. `docs/architecture.md` describes how it works.
 *
 * @throws ValidationError if the scenario or an option cannot be measured
 * @throws MeasureError if the target cannot run, or no request completed
 */
export async function measure(scenario: Scenario, options: MeasureOptions = {}): Promise<Result> {
  const resolved = resolveScenario(scenario, 'measure')
  const { recording, environment, host, failure } = await runMeasurement(resolved, options)
  const { counts } = recording
  if (counts.completed === 0) throw nothingCompleted(resolved, counts, failure)
  const result = resultOf(recording, environment, host)
  if (options.throwOnInvalid && !result.validity.valid) {
    const errors = result.validity.findings.filter(({ severity }) => severity === 'error')
    const said = errors.map(({ code, message }) => `${code}: ${message}`).join('\n')
    throw new MeasureError(`${targetName(resolved)}: the result is not valid\n${said}`, { result })
  }
  return result
}

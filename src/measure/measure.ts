import { type Result, resultOf } from '../result/result.js'
import { resolveScenario, type Scenario } from '../scenario/scenario.js'
import { targetName } from '../scenario/target.js'
import { MeasureError } from './error.js'
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
  const name = targetName(resolved)
  if (counts.completed === 0) {
    const why =
      failure !== null ? `; the first failure: ${failure.message}` : counts.offered === 0 ? '; run for longer' : ''
    throw new MeasureError(
      `${name}: no request that was due in the window completed: ${JSON.stringify(counts)}${why}`,
      failure === null ? {} : { cause: failure },
    )
  }
  const result = resultOf(recording, environment, host)
  if (options.throwOnInvalid && !result.validity.valid) {
    const errors = result.validity.findings.filter(({ severity }) => severity === 'error')
    const said = errors.map(({ code, message }) => `${code}: ${message}`).join('\n')
    throw new MeasureError(`${name}: the result is not valid\n${said}`, { result })
  }
  return result
}

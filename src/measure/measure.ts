import { type Result, resultOf } from '../result/result.js'
import { normalise, type Scenario } from '../scenario/scenario.js'
import { targetName } from '../scenario/target.js'
import { MeasureError } from './error.js'
import type { MeasureOptions } from './options.js'
import { runMeasurement } from './run.js'

/**
 * Runs a scenario on the real clock: a generator sends its requests when they are due, and its target serves
 * them: a handler's module on `scenario.servers` threads, or a function in this process, or whoever answers over HTTP.
 * At one seed they are the very requests of a simulation.
 *
 * @throws ScenarioError where the scenario or an option cannot be measured
 * @throws MeasureError where the target cannot run, or no request completed
 */
export async function measure(scenario: Scenario, options: MeasureOptions = {}): Promise<Result> {
  const normal = normalise(scenario, 'measure')
  const { recording, environment, host, failure } = await runMeasurement(normal, options)
  const { counts } = recording
  const name = targetName(normal)
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

import { type Result, resultOf } from '../result/result.js'
import { normalise, type Scenario } from '../scenario/scenario.js'
import { MeasureError } from './error.js'
import type { MeasureOptions } from './options.js'
import { runMeasurement } from './run.js'

/**
 * Runs a scenario on the real clock: a generator sends its requests when they are due, and `scenario.servers` threads
 * serve them in batches with its handler. At one seed they are the very requests of a simulation.
 *
 * @throws ScenarioError where the scenario or an option cannot be measured
 * @throws MeasureError where the handler cannot run, or no request completed
 */
export async function measure(scenario: Scenario, options: MeasureOptions = {}): Promise<Result> {
  const { recording, environment, failure } = await runMeasurement(normalise(scenario, 'measure'), options)
  const { counts } = recording
  const handler = recording.scenario.handler
  if (counts.completed === 0) {
    const why = failure === null ? '' : `; the first failure: ${failure.message}`
    throw new MeasureError(
      `handler ${handler}: no request that was due in the window completed: ${JSON.stringify(counts)}${why}`,
      failure === null ? {} : { cause: failure },
    )
  }
  const result = resultOf(recording, environment)
  if (options.throwOnInvalid && !result.validity.valid) {
    const errors = result.validity.findings.filter(({ severity }) => severity === 'error')
    const said = errors.map(({ code, message }) => `${code}: ${message}`).join('\n')
    throw new MeasureError(`handler ${handler}: the result is not valid\n${said}`, { result })
  }
  return result
}

import { dirname, extname, isAbsolute, resolve } from 'node:path'
import { loadDefault, locate } from '../handler/module.js'
import { asScenario, readScenario } from '../report/file.js'
import { messageOf, ScenarioError } from '../scenario/error.js'
import type { Scenario } from '../scenario/scenario.js'

/**
 * Reads a scenario from a JSON file, or from a module's default export. A relative handler in it is found from where
 * the file is.
 */
export async function scenarioFrom(file: string): Promise<Scenario> {
  const scenario = /^\.[cm]?[jt]s$/.test(extname(file)) ? await scenarioOfModule(file) : await readScenario(file)
  const { handler } = scenario
  if (typeof handler !== 'string' || handler === '' || isAbsolute(handler) || /^[a-z][a-z\d+.-]+:/i.test(handler)) {
    return scenario
  }
  return { ...scenario, handler: resolve(dirname(file), handler) }
}

async function scenarioOfModule(file: string): Promise<Scenario> {
  let exported: unknown
  try {
    exported = await loadDefault(locate(file).url)
  } catch (error) {
    throw new ScenarioError(file, messageOf(error), { cause: error })
  }
  if (exported === undefined) throw new ScenarioError(file, 'has no default export, which must be a scenario')
  return asScenario(file, exported)
}

import { dirname, extname, isAbsolute, resolve } from 'node:path'
import { asScenario, readScenario } from '../files/stored.js'
import { loadDefault, locate } from '../handler/module.js'
import { isHandler } from '../scenario/handler.js'
import type { Scenario } from '../scenario/scenario.js'
import { messageOf, ValidationError } from '../validation/validation-error.js'

/**
 * Reads a scenario from a JSON file, or from a module's default export. A relative handler in it is found from where
 * the file is.
 */
export async function scenarioFrom(file: string): Promise<Scenario> {
  const isModule = MODULE.test(extname(file))
  return withHandlerFrom(file, isModule ? asScenario(file, await defaultOf(file)) : await readScenario(file))
}

/** A relative handler is found from where the file is. */
export function withHandlerFrom(file: string, scenario: Scenario): Scenario {
  const { handler } = scenario
  if (typeof handler !== 'string' || handler === '' || isAbsolute(handler) || /^[a-z][a-z\d+.-]+:/i.test(handler)) {
    return scenario
  }
  return { ...scenario, handler: resolve(dirname(file), handler) }
}

/** The same, but a module that serves batches is the handler of a scenario. */
export async function scenarioOrHandler(file: string): Promise<Partial<Scenario>> {
  if (!MODULE.test(extname(file))) return scenarioFrom(file)
  const exported = await defaultOf(file)
  const serves = typeof exported === 'function' || isHandler(exported)
  return serves ? { handler: resolve(file) } : withHandlerFrom(file, asScenario(file, exported))
}

export const MODULE = /^\.[cm]?[jt]s$/

async function defaultOf(file: string): Promise<unknown> {
  let exported: unknown
  try {
    exported = await loadDefault(locate(file).url)
  } catch (error) {
    throw new ValidationError(file, messageOf(error), { cause: error })
  }
  if (exported === undefined) throw new ValidationError(file, 'has no default export, which must be a scenario')
  return exported
}

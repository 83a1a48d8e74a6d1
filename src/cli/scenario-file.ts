import { dirname, extname, isAbsolute, resolve } from 'node:path'
import type { Candidate } from '../explore/tune/candidates.js'
import { readJson, readResult, readScenario, toScenario } from '../files/stored.js'
import { loadDefault, locate } from '../handler/module.js'
import { isHandler, isUrlString } from '../scenario/handler.js'
import type { Scenario } from '../scenario/scenario.js'
import { got, messageOf, ValidationError } from '../validation/validation-error.js'

/**
 * Loads a scenario from a JSON file or a module's default export. A relative handler path is relative to the file.
 */
export async function loadScenario(file: string): Promise<Scenario> {
  const isModule = MODULE.test(extname(file))
  return resolvePaths(file, isModule ? toScenario(file, await loadDefaultExport(file)) : await readScenario(file))
}

/** Resolves the relative paths of a scenario, of its handler and its files of requests, from the folder of the file. */
export function resolvePaths<Of extends { handler?: unknown }>(file: string, scenario: Of): Of {
  const resolved = resolveHandlerPath(file, scenario)
  const { http } = resolved as { http?: Record<string, unknown> }
  if (typeof http !== 'object' || http === null) return resolved
  const paths = ['requests', 'data'].filter((name) => typeof http[name] === 'string' && http[name] !== '')
  const changed = paths.map((name) => [name, fromFolder(dirname(file), http[name] as string)])
  return { ...resolved, http: { ...http, ...Object.fromEntries(changed) } }
}

/** Resolves a relative path from a folder; a URL stays. */
export const fromFolder = (folder: string, path: string) =>
  isAbsolute(path) || isUrlString(path) ? path : resolve(folder, path)

/** Resolves a relative handler path from the folder of the file. */
function resolveHandlerPath<Of extends { handler?: unknown }>(file: string, scenario: Of): Of {
  const handler = scenario?.handler
  return typeof handler === 'string' && handler !== ''
    ? { ...scenario, handler: fromFolder(dirname(file), handler) }
    : scenario
}

/** Loads a scenario; a handler module gives a scenario with only this handler. */
export async function loadScenarioOrHandler(file: string): Promise<Partial<Scenario>> {
  if (!MODULE.test(extname(file))) return loadScenario(file)
  const exported = await loadDefaultExport(file)
  const serves = typeof exported === 'function' || isHandler(exported)
  return serves ? { handler: resolve(file) } : resolvePaths(file, toScenario(file, exported))
}

/**
 * Reads the candidates of `tune` from a JSON file, or from a module's default export. A relative handler, and the file of a
 * stored result, are found from where the file is.
 */
export async function loadCandidates(file: string): Promise<Candidate[]> {
  const value = MODULE.test(extname(file))
    ? await loadDefaultExport(file, 'a list of candidates')
    : await readJson(file)
  if (!Array.isArray(value)) {
    throw new ValidationError(
      file,
      `must hold a list of candidates, such as [{ name, quality, price, service }], ${got(value)}`,
    )
  }
  return Promise.all(
    value.map(async (candidate: Candidate) => {
      const { result } = candidate ?? {}
      const found = resolveHandlerPath(file, candidate)
      return typeof result === 'string' ? { ...found, result: await readResult(resolve(dirname(file), result)) } : found
    }),
  )
}

export const MODULE = /^\.[cm]?[jt]s$/

async function loadDefaultExport(file: string, what = 'a scenario'): Promise<unknown> {
  let exported: unknown
  try {
    exported = await loadDefault(locate(file).url)
  } catch (error) {
    throw new ValidationError(file, messageOf(error), { cause: error })
  }
  if (exported === undefined) throw new ValidationError(file, `has no default export; export ${what}`)
  return exported
}

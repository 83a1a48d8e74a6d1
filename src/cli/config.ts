import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import type { Command, Option } from 'commander'
import { readJson } from '../files/stored.js'
import { loadDefault, locate } from '../handler/module.js'
import type { Scenario } from '../scenario/scenario.js'
import { nearestName, suggest } from '../validation/nearest.js'
import { isPlain, isUrl } from '../validation/realm.js'
import { messageOf, show, ValidationError } from '../validation/validation-error.js'
import { isLimits, parseValue } from './parse-flags.js'
import { fromFolder, resolvePaths } from './scenario-file.js'

/** The options of one command, in camel case without dashes. */
type Defaults = Record<string, unknown>

/** The default export of `throughline.config.ts`, `.js` or `.mjs`, or the content of `throughline.config.json`. */
export interface Config {
  /** the scenario of commands that are given none */
  scenario?: Scenario | undefined
  /** defaults for the options of a command: `{ simulate: { servers: 2 } }` */
  [command: string]: Defaults | Scenario | undefined
}

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `throughline.config.${extension}`)
/** Options that are always a path, which is relative to the folder of the config. */
const PATHS = ['handler', 'trace', 'budget', 'cache', 'candidates', 'output', 'svg']

/** The scenario of the config that was applied to a command. */
const scenarios = new WeakMap<Command, Scenario>()
export const scenarioOfConfig = (command: Command): Scenario | undefined => scenarios.get(command)

/** The path of the config that was applied to a command. */
const files = new WeakMap<Command, string>()

/** The place of an invalid value in the config, such as `…/throughline.config.json: simulate.servers`; null if it is from elsewhere. */
export function locateInConfig(command: Command | null, fault: string): string | null {
  const file = command === null ? undefined : files.get(command)
  if (command === null || file === undefined) return null
  const key = fault.split('.').find((part) => command.getOptionValueSource(part) === 'config')
  return key === undefined ? null : `${file}: ${command.name()}.${key}`
}

/**
 * Applies the defaults of the nearest `throughline.config.*`, or of the file given by --config, to the options of a command
 * that were not given. The search goes from the working directory up to the root of the repository or the home directory.
 * A config that belongs to another user, who does not own the working directory, is skipped.
 *
 * @param names all commands, of which a config may give defaults
 * @param report called with a line that names the config
 * @throws ValidationError if the config cannot be read, or has an unknown command or option
 */
export async function applyConfig(
  command: Command,
  names: readonly string[],
  report: (what: string) => void,
): Promise<void> {
  const given = command.getOptionValue('config') as string | undefined
  const path = given === undefined ? nearestConfig(process.cwd()) : resolve(given)
  if (path === null) return
  if (given === undefined && !isTrusted(path)) {
    report(`ignoring ${path}, which belongs to another user; use --config to apply it`)
    return
  }
  await applyConfigFile(command, names, path)
  report(`using defaults from ${path}`)
}

async function applyConfigFile(command: Command, names: readonly string[], path: string): Promise<void> {
  const config = await readConfig(path)
  files.set(command, path)
  for (const key of Object.keys(config)) {
    if (key === 'scenario' || key === '$schema' || names.includes(key)) continue
    const nearest = nearestName(key, ['scenario', ...names])
    const hint = suggest(nearest)
    throw new ValidationError(`${path}: ${key}`, `is not a command${hint}; accepted: scenario, ${names.join(', ')}`)
  }
  if (config.scenario !== undefined)
    scenarios.set(command, resolvePaths(path, checkObject(config.scenario, path, 'scenario') as unknown as Scenario))
  const defaults = config[command.name()]
  if (defaults === undefined) return
  const { options } = command
  for (const [key, value] of Object.entries(checkObject(defaults, path, command.name()))) {
    const option = options.find((each) => each.attributeName() === key)
    if (option === undefined) {
      const known = options.map((each) => each.attributeName())
      const nearest = nearestName(key, known)
      const hint = suggest(nearest)
      throw new ValidationError(`${path}: ${command.name()}.${key}`, `is not an option of ${command.name()}${hint}`)
    }
    if (value === undefined) continue
    const flag = asFlag(option, value, `${path}: ${command.name()}.${key}`, dirname(path))
    // a file of requests conflicts with nothing, unlike a number
    if (key === 'requests') option.parseArg?.(flag as string, undefined)
    if (command.getOptionValue(key) !== undefined || conflicts(option, command)) continue
    command.setOptionValueWithSource(key, flag, 'config')
  }
}

function nearestConfig(from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = NAMES.map((name) => join(folder, name)).find(isThere)
    if (found !== undefined) return found
    if (folder === dirname(folder) || folder === homedir() || isThere(join(folder, '.git'))) return null
  }
}

function isThere(path: string): boolean {
  try {
    return existsSync(path)
  } catch {
    // Node's permission model may deny access
    return false
  }
}

/**
 * Whether a config that was found by search may run. Other users may write to a parent folder, such as one for temporary
 * files. In a container the working directory may belong to another user than the process.
 */
function isTrusted(path: string): boolean {
  return [process.getuid?.(), 0, statSync('.').uid].includes(statSync(path).uid)
}

async function readConfig(path: string): Promise<Config> {
  if (extname(path) === '.json') return checkObject(await readJson(path), path) as Config
  let exported: unknown
  try {
    exported = await loadDefault(locate(path).url)
  } catch (error) {
    throw new ValidationError(path, `cannot be loaded: ${messageOf(error)}`, { cause: error })
  }
  if (exported === undefined) throw new ValidationError(path, 'has no default export; export a config')
  return checkObject(exported, path) as Config
}

function checkObject(value: unknown, path: string, key?: string): Record<string, unknown> {
  if (isPlain(value)) return value as Record<string, unknown>
  const name = key === undefined ? path : `${path}: ${key}`
  throw new ValidationError(name, `must be an object, such as { scenario: { … } }, got ${show(value)}`)
}

/** Whether an option conflicts with one given on the command line, which takes precedence over the config. */
function conflicts(option: Option, command: Command): boolean {
  const given = command.options.filter((each) => command.getOptionValueSource(each.attributeName()) === 'cli')
  const against = (a: Option, b: Option) =>
    (a as Option & { conflictsWith: string[] }).conflictsWith.includes(b.attributeName())
  return given.some((each) => against(each, option) || against(option, each))
}

/**
 * Converts a value of the config to the text of a flag.
 *
 * @param at its place in the config
 * @throws ValidationError if its type does not fit the flag; the scenario's schema checks the rest
 */
function asFlag(option: Option, value: unknown, at: string, folder: string): unknown {
  const refuse = (accepted: string): never => {
    throw new ValidationError(at, `must be ${accepted}, got ${show(value)}`)
  }
  if (option.isBoolean()) return typeof value === 'boolean' ? value : refuse('true or false')
  const name = option.attributeName()
  if (name === 'vary') {
    const isFields = isPlain(value) && Object.values(value as object).every((values) => Array.isArray(values))
    return isFields
      ? Object.entries(value as object)
      : refuse('an object of fields and lists of values, such as { servers: [1, 2] }')
  }
  const { argChoices } = option
  if (argChoices !== undefined) {
    const names = argChoices.map((choice) => `'${choice}'`).join(' or ')
    return argChoices.includes(value as string) ? value : refuse(names)
  }
  if (name === 'header')
    return (Array.isArray(value) ? value : [value]).map((each) => textOf(each) ?? refuse('a list of headers'))
  if (PATHS.includes(name)) {
    if (isUrl(value)) return value.href
    if (typeof value !== 'string' || value === '') return refuse('a path, relative to the config')
    // a budget may be limits instead of a path
    if (name === 'budget' && isLimits(value)) return value
    return fromFolder(folder, value)
  }
  if (typeof value === 'string') {
    if (name === 'body' && value.startsWith('@')) return `@${fromFolder(folder, value.slice(1))}`
    if (name === 'requests' && acceptsFile(option) && typeof parseValue(value) === 'string')
      return fromFolder(folder, value)
  }
  const texts = (Array.isArray(value) ? value : [value]).map(textOf)
  return texts.length > 0 && !texts.includes(null)
    ? texts.join(',')
    : refuse(`a number or a string, as for ${option.long}`)
}

/** Whether `--requests` is a number or a file, as for HTTP, and not only a number. */
const acceptsFile = ({ flags }: Option) => flags.includes('file')

/** Formats a value as on the command line; null if it has no such form. */
function textOf(value: unknown): string | null {
  if (value === null) return 'none'
  return typeof value === 'number' || typeof value === 'string' || isUrl(value) ? String(value) : null
}

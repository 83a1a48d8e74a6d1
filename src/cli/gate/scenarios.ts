import { existsSync, realpathSync } from 'node:fs'
import { basename, extname, isAbsolute, join, relative, resolve } from 'node:path'
import { readScenario } from '../../files/stored.js'
import { type GateEntry, type GateScenario, uniqueNames } from '../../gate/gate.js'
import { listFiles, type Repository } from '../../gate/git.js'
import { loadModule, locate } from '../../handler/module.js'
import { isHandler } from '../../scenario/handler.js'
import { messageOf, ValidationError } from '../../validation/validation-error.js'
import { MODULE, resolvePaths } from '../scenario-file.js'

/** The default files of a gate. */
const GATE_FILES = ['ts', 'mts', 'js', 'mjs'].flatMap((extension) => [`**/*.throughline.${extension}`])
const SUFFIX = /\.throughline\.[cm]?[jt]s$/

/** A scenario of one side, with its file and export. */
interface ExportedScenario {
  file: string
  export: string
  scenario: GateScenario
}

/** Where to find the scenarios of both sides. */
export interface GateSides {
  repository: Repository
  /** the folder of base's worktree */
  base: string
  ref: string
}

/**
 * Loads the scenarios of files, or of all `*.throughline.ts` files below the working directory, from both sides.
 *
 * @param change applies the options of the command to a scenario
 * @throws ValidationError if head has no scenario, or a file of either side cannot be loaded
 */
export async function loadGateEntries(
  files: readonly string[],
  { repository, base, ref }: GateSides,
  change: (scenario: GateScenario, file: string) => Promise<GateScenario>,
): Promise<GateEntry[]> {
  const { root, folder } = repository
  const here = join(root, folder)
  const there = join(base, folder)
  const named = files.map((file) => resolveInRepository(file, here, root))
  const [ofHead, ofBase] =
    named.length > 0 ? [named, named] : await Promise.all([listFiles(here, GATE_FILES), listBaseFiles(there)])
  if (ofHead.length === 0) {
    throw new ValidationError(
      'compare',
      'found no scenario; name a file, or export scenarios from a file *.throughline.ts',
    )
  }
  const head = await loadScenarios(ofHead, here, null)
  const missing = named.find((file) => !existsSync(join(here, file)))
  if (missing !== undefined && !existsSync(join(there, missing))) throw new ValidationError(missing, 'does not exist')
  if (head.length === 0)
    throw new ValidationError(
      'compare',
      `none of these files exist in head: ${ofHead.join(', ')}; check the paths, or omit them to compare all *.throughline.ts`,
    )
  const changeAll = (side: ExportedScenario[]) =>
    Promise.all(side.map(async (each) => ({ ...each, scenario: await change(each.scenario, each.file) })))
  return pairScenarios(await changeAll(head), await changeAll(await loadScenarios(ofBase, there, ref)))
}

const listBaseFiles = async (folder: string) => (existsSync(folder) ? listFiles(folder, GATE_FILES) : [])

export function resolveInRepository(file: string, here: string, root: string): string {
  const path = existsSync(file) ? realpathSync(file) : resolve(here, file)
  const fromRoot = relative(root, path)
  if (fromRoot.startsWith('..') || isAbsolute(fromRoot)) {
    throw new ValidationError(file, `must be in the repository ${root}`)
  }
  return relative(here, path).replaceAll('\\', '/')
}

async function loadScenarios(
  files: readonly string[],
  folder: string,
  ref: string | null,
): Promise<ExportedScenario[]> {
  const found: ExportedScenario[] = []
  for (const file of files) {
    const path = join(folder, file)
    if (!existsSync(path)) continue
    try {
      for (const [name, scenario] of await loadExports(path)) found.push({ file, export: name, scenario })
    } catch (error) {
      if (ref === null) throw error instanceof ValidationError ? error : new ValidationError(file, messageOf(error))
      const why = messageOf(error).replaceAll(path, file)
      throw new ValidationError(
        `${file} of base (${ref})`,
        `cannot be loaded: ${why}\nIf base must be built first, add --prepare 'npm run build'`,
        { cause: error },
      )
    }
  }
  return found
}

/** Loads the scenarios that a file exports, by name. */
async function loadExports(path: string): Promise<[name: string, scenario: GateScenario][]> {
  if (!MODULE.test(extname(path))) return [['default', resolvePaths(path, await readScenario(path)) as GateScenario]]
  const module = await loadModule(locate(path).url)
  const all = Object.entries(module).flatMap(([name, value]): [string, GateScenario][] => {
    const exported = name === 'default' ? unwrapDefault(value) : value
    if (isScenario(exported)) return [[name, resolvePaths(path, exported) as GateScenario]]
    const isDefaultHandler = name === 'default' && isHandler(exported)
    return isDefaultHandler ? [[name, { handler: path } as unknown as GateScenario]] : []
  })
  if (all.length > 0) return all
  throw new ValidationError(
    path,
    "exports no scenario; export each by name: export const saveOrder = { arrivals: '200/s', … }",
  )
}

/** Unwraps `export default` compiled to CommonJS, which is the default of the default. */
function unwrapDefault(value: unknown): unknown {
  return typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value
    ? value.default
    : value
}

const isScenario = (value: unknown): value is GateScenario =>
  typeof value === 'object' && value !== null && 'arrivals' in value

/** Pairs each scenario with the same export of the same file on the other side. */
function pairScenarios(head: readonly ExportedScenario[], base: readonly ExportedScenario[]): GateEntry[] {
  const isSame = (a: ExportedScenario) => (b: ExportedScenario) => a.file === b.file && a.export === b.export
  const all = [...head, ...base.filter((each) => !head.some(isSame(each)))]
  const names = uniqueNames(all.map((each) => ({ name: nameOf(each), file: each.file })))
  return all.map((each, i) => ({
    name: names[i] as string,
    file: each.file,
    head: head.find(isSame(each))?.scenario ?? null,
    base: base.find(isSame(each))?.scenario ?? null,
  }))
}

/** The name of the export, or of the file for a default export. */
const nameOf = ({ file, export: name }: ExportedScenario) =>
  name === 'default'
    ? basename(file)
        .replace(SUFFIX, '')
        .replace(/\.\w+$/, '')
    : name

import { existsSync, realpathSync } from 'node:fs'
import { basename, extname, isAbsolute, join, relative, resolve } from 'node:path'
import { readScenario } from '../files/stored.js'
import type { GateEntry, GateScenario } from '../gate/gate.js'
import { filesIn, type Repository } from '../gate/git.js'
import { loadModule, locate } from '../handler/module.js'
import { isHandler } from '../scenario/handler.js'
import { messageOf, ValidationError } from '../validation/validation-error.js'
import { MODULE, resolveHandlerPath } from './scenario-file.js'

/** The files that a gate runs if none is named. */
export const GATE_FILES = ['ts', 'mts', 'js', 'mjs'].flatMap((extension) => [`**/*.throughline.${extension}`])
const SUFFIX = /\.throughline\.[cm]?[jt]s$/

/** A scenario of one side, and where it is. */
interface Found {
  file: string
  export: string
  scenario: GateScenario
}

/** Where the scenarios of both sides are looked for. */
export interface GateSides {
  repository: Repository
  /** the working tree of base */
  base: string
  ref: string
}

/**
 * The scenarios of files, or of all `*.throughline.ts` files below the working directory, as both sides have them.
 *
 * @param change what flags change of each of them
 * @throws ValidationError if there is none in head, or a file cannot be loaded, naming the side
 */
export async function gateEntries(
  files: readonly string[],
  { repository, base, ref }: GateSides,
  change: (scenario: GateScenario, file: string) => GateScenario,
): Promise<GateEntry[]> {
  const { root, folder } = repository
  const here = join(root, folder)
  const there = join(base, folder)
  const named = files.map((file) => inRepository(file, here, root))
  const [ofHead, ofBase] =
    named.length > 0 ? [named, named] : await Promise.all([filesIn(here, GATE_FILES), filesInBase(there)])
  if (ofHead.length === 0) {
    throw new ValidationError(
      'compare',
      `there is no scenario: name a file, or export scenarios from a file whose name ends in .throughline.ts`,
    )
  }
  const head = await scenariosOf(ofHead, here, null)
  const missing = named.find((file) => !existsSync(join(here, file)))
  if (missing !== undefined && !existsSync(join(there, missing))) throw noFile(missing)
  if (head.length === 0) throw new ValidationError('compare', `head has none of ${ofHead.join(', ')}`)
  const found = [head, await scenariosOf(ofBase, there, ref)].map((side) =>
    side.map((each) => ({ ...each, scenario: change(each.scenario, each.file) })),
  ) as [Found[], Found[]]
  return pairUp(...found)
}

const filesInBase = async (folder: string) => (existsSync(folder) ? filesIn(folder, GATE_FILES) : [])

const noFile = (file: string) => new ValidationError(file, 'there is no such file')

function inRepository(file: string, here: string, root: string): string {
  const path = existsSync(file) ? realpathSync(file) : resolve(here, file)
  const fromRoot = relative(root, path)
  if (fromRoot.startsWith('..') || isAbsolute(fromRoot)) {
    throw new ValidationError(file, `must be in the repository ${root}, whose base it is compared with`)
  }
  return relative(here, path).replaceAll('\\', '/')
}

async function scenariosOf(files: readonly string[], folder: string, ref: string | null): Promise<Found[]> {
  const found: Found[] = []
  for (const file of files) {
    const path = join(folder, file)
    if (!existsSync(path)) continue
    try {
      for (const [name, scenario] of await exportsOf(path)) found.push({ file, export: name, scenario })
    } catch (error) {
      if (ref === null) throw error instanceof ValidationError ? error : new ValidationError(file, messageOf(error))
      const why = messageOf(error).replaceAll(path, file)
      throw new ValidationError(
        `${file} of base (${ref})`,
        `cannot be loaded: ${why}\nIf base has to be built first, say how: --prepare 'npm run build'`,
        { cause: error },
      )
    }
  }
  return found
}

/** What a file exports that can be run, by name. */
async function exportsOf(path: string): Promise<[name: string, scenario: GateScenario][]> {
  if (!MODULE.test(extname(path)))
    return [['default', resolveHandlerPath(path, await readScenario(path)) as GateScenario]]
  const module = await loadModule(locate(path).url)
  const all = Object.entries(module).flatMap(([name, value]): [string, GateScenario][] => {
    const exported = name === 'default' ? unwrapped(value) : value
    if (isScenario(exported)) return [[name, resolveHandlerPath(path, exported) as GateScenario]]
    const serves = name === 'default' && isHandler(exported)
    return serves ? [[name, { handler: path } as unknown as GateScenario]] : []
  })
  if (all.length > 0) return all
  throw new ValidationError(
    path,
    "exports no scenario: export const saveOrder = { arrivals: '200/s', … }, by as many names as there are scenarios",
  )
}

/** A CommonJS build of `export default` arrives as the default of a default. */
function unwrapped(value: unknown): unknown {
  return typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value
    ? value.default
    : value
}

const isScenario = (value: unknown): value is GateScenario =>
  typeof value === 'object' && value !== null && 'arrivals' in value

/** Each scenario with its like on the other side: the same export of the same file. */
function pairUp(head: readonly Found[], base: readonly Found[]): GateEntry[] {
  const isLike = (a: Found) => (b: Found) => a.file === b.file && a.export === b.export
  const all = [...head, ...base.filter((each) => !head.some(isLike(each)))]
  const names = all.map(nameOf)
  return all.map((each, i) => {
    const name = names[i] as string
    const isAlone = names.indexOf(name) === names.lastIndexOf(name)
    return {
      name: isAlone ? name : `${name} (${each.file})`,
      file: each.file,
      head: head.find(isLike(each))?.scenario ?? null,
      base: base.find(isLike(each))?.scenario ?? null,
    }
  })
}

/** The name of its export, or that of its file for a default export. */
const nameOf = ({ file, export: name }: Found) =>
  name === 'default'
    ? basename(file)
        .replace(SUFFIX, '')
        .replace(/\.\w+$/, '')
    : name

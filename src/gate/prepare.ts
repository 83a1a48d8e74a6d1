import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, sep } from 'node:path'
import { runCommand } from './commands.js'
import { listFiles, type Repository } from './git.js'

/** The command that installs the packages of a lockfile. */
interface Installer {
  lockfile: string
  command: (text: string) => string[]
}

const INSTALLERS: readonly Installer[] = [
  { lockfile: 'package-lock.json', command: () => ['npm', 'ci'] },
  { lockfile: 'npm-shrinkwrap.json', command: () => ['npm', 'ci'] },
  { lockfile: 'pnpm-lock.yaml', command: () => ['pnpm', 'install', '--frozen-lockfile'] },
  {
    lockfile: 'yarn.lock',
    // lockfiles of Yarn 2 and later have a metadata block
    command: (text) => ['yarn', 'install', /^__metadata:/m.test(text) ? '--immutable' : '--frozen-lockfile'],
  },
  { lockfile: 'bun.lock', command: () => ['bun', 'install', '--frozen-lockfile'] },
  { lockfile: 'bun.lockb', command: () => ['bun', 'install', '--frozen-lockfile'] },
]

export interface PrepareOptions {
  /** shell command to run in the folder of base, such as a build */
  command?: string | undefined
  signal?: AbortSignal | undefined
  /** called with each command before it runs */
  onCommand?: ((text: string) => void) | undefined
}

/** How base got its dependencies. */
export interface Preparation {
  dependencies: 'linked' | 'installed' | 'none'
  /** a warning if base may run with other dependencies than its own */
  warning: string | null
}

/**
 * Prepares a worktree to run: links the installed dependencies of head if both lockfiles are the same, else installs those
 * of base. Then runs the user's command.
 *
 * @throws ValidationError if a command fails, with the end of its output
 */
export async function prepareBase(
  base: string,
  repository: Repository,
  { command, signal, onCommand = () => {} }: PrepareOptions = {},
): Promise<Preparation> {
  const { root, folder } = repository
  const lock = findLockfile(base, root, folder)
  const prepared: Preparation = { dependencies: 'none', warning: null }
  if (lock === null || lock.same) {
    if ((await linkModules(base, root)) > 0) prepared.dependencies = 'linked'
    if (lock === null && readDependencies(join(base, folder)) !== readDependencies(join(root, folder))) {
      prepared.warning =
        'base declares other dependencies and has no lockfile, so it runs with the packages installed for head'
    }
  } else {
    onCommand(`${lock.file} differs from that of base; running ${lock.command.join(' ')}`)
    await runCommand(lock.command, {
      folder: join(base, lock.folder),
      signal,
      what: `${lock.command.join(' ')} in base`,
    })
    prepared.dependencies = 'installed'
  }
  if (command !== undefined) {
    onCommand(`running --prepare: ${command}`)
    await runCommand(command, { folder: join(base, folder), signal, what: `--prepare: '${command}'` })
  }
  return prepared
}

/** Reads the dependencies that a package declares, as text to compare. */
function readDependencies(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
    return JSON.stringify([dependencies, devDependencies, optionalDependencies, peerDependencies])
  } catch {
    return ''
  }
}

/** Finds the lockfile of base nearest to a folder, and whether head has the same; null if there is none. */
function findLockfile(
  base: string,
  root: string,
  folder: string,
): { file: string; folder: string; same: boolean; command: string[] } | null {
  for (let at = folder; ; at = dirname(at) === '.' ? '' : dirname(at)) {
    for (const { lockfile, command } of INSTALLERS) {
      const [ours, theirs] = [join(root, at, lockfile), join(base, at, lockfile)]
      if (!existsSync(theirs)) continue
      const text = readFileSync(theirs)
      const same = existsSync(ours) && readFileSync(ours).equals(text)
      return { file: join(at, lockfile), folder: at, same, command: command(text.toString()) }
    }
    if (at === '') return null
  }
}

/**
 * Links every entry of head's `node_modules` into base, for each folder with a `package.json`. Workspace packages link to
 * the folder in base, since base would otherwise run the code of head.
 *
 * @returns the number of linked `node_modules` folders
 */
async function linkModules(base: string, root: string): Promise<number> {
  const manifests = await listFiles(base, ['package.json', '**/package.json'])
  let linked = 0
  for (const folder of new Set(manifests.map((manifest) => dirname(manifest)))) {
    const installed = join(root, folder, 'node_modules')
    if (!existsSync(installed) || existsSync(join(base, folder, 'node_modules'))) continue
    linkEntries(installed, join(base, folder, 'node_modules'), { base, root })
    linked++
  }
  return linked
}

/** Hidden folders that packages resolve through. Others are caches, which base must not share. */
const HIDDEN = ['.bin', '.pnpm']

function linkEntries(from: string, to: string, sides: { base: string; root: string }): void {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const { name } = entry
    const [there, here] = [join(from, name), join(to, name)]
    if (name.startsWith('.') && !HIDDEN.includes(name)) continue
    if (name.startsWith('@') && entry.isDirectory()) linkEntries(there, here, sides)
    else if (entry.isSymbolicLink()) linkWorkspace(there, here, sides)
    else symlinkSync(there, here, 'junction')
  }
}

function linkWorkspace(there: string, here: string, { base, root }: { base: string; root: string }): void {
  if (!existsSync(there)) return
  const path = relative(root, realpathSync(there))
  const isOurs = !path.startsWith('..') && !isAbsolute(path) && !path.split(sep).includes('node_modules')
  const target = isOurs ? join(base, path) : there
  // base may not have the package yet
  if (existsSync(target)) symlinkSync(target, here, 'junction')
}

import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, sep } from 'node:path'
import { runCommand } from './commands.js'
import { filesIn, type Repository } from './git.js'

/** What installs exactly what a lockfile says. */
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
    // the lockfile of Yarn 2 and later has a block of metadata
    command: (text) => ['yarn', 'install', /^__metadata:/m.test(text) ? '--immutable' : '--frozen-lockfile'],
  },
  { lockfile: 'bun.lock', command: () => ['bun', 'install', '--frozen-lockfile'] },
  { lockfile: 'bun.lockb', command: () => ['bun', 'install', '--frozen-lockfile'] },
]

export interface PrepareOptions {
  /** a shell command that runs in base's folder, such as a build */
  command?: string | undefined
  signal?: AbortSignal | undefined
  /** called with what is being done */
  say?: ((what: string) => void) | undefined
}

/** How base got its dependencies. */
export interface Prepared {
  dependencies: 'linked' | 'installed' | 'none'
  /** why base may not have its own ones */
  doubt: string | null
}

/**
 * Makes a working tree ready to run: links the installed dependencies of head if base locks the same ones, installs them
 * otherwise, and then runs a command of the user's.
 *
 * @throws ValidationError if a command fails, with the end of what it printed
 */
export async function prepareBase(
  base: string,
  repository: Repository,
  { command, signal, say = () => {} }: PrepareOptions = {},
): Promise<Prepared> {
  const { root, folder } = repository
  const lock = lockOf(base, root, folder)
  const prepared: Prepared = { dependencies: 'none', doubt: null }
  if (lock === null || lock.same) {
    if ((await linkModules(base, root)) > 0) prepared.dependencies = 'linked'
    if (lock === null && declared(join(base, folder)) !== declared(join(root, folder))) {
      prepared.doubt = 'base has other dependencies and no lockfile: it runs with those that are installed for head'
    }
  } else {
    say(`${lock.file} differs from base's: ${lock.command.join(' ')}`)
    await runCommand(lock.command, {
      folder: join(base, lock.folder),
      signal,
      what: `${lock.command.join(' ')} in base`,
    })
    prepared.dependencies = 'installed'
  }
  if (command !== undefined) {
    say(`--prepare: ${command}`)
    await runCommand(command, { folder: join(base, folder), signal, what: `--prepare: '${command}'` })
  }
  return prepared
}

/** The dependencies that a package declares, to be compared with another's. */
function declared(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
    return JSON.stringify([dependencies, devDependencies, optionalDependencies, peerDependencies])
  } catch {
    return ''
  }
}

/** The lockfile that is nearest to a folder, and whether base has the same; null without one in both. */
function lockOf(
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
 * Gives base the `node_modules` of head, in every folder with a `package.json`: links to what is installed, entry by
 * entry. A workspace package is linked to base's own folder, since base would otherwise run the code of head.
 *
 * @returns how many folders got one
 */
async function linkModules(base: string, root: string): Promise<number> {
  const manifests = await filesIn(base, ['package.json', '**/package.json'])
  let linked = 0
  for (const folder of new Set(manifests.map((manifest) => dirname(manifest)))) {
    const installed = join(root, folder, 'node_modules')
    if (!existsSync(installed) || existsSync(join(base, folder, 'node_modules'))) continue
    linkEntries(installed, join(base, folder, 'node_modules'), { base, root })
    linked++
  }
  return linked
}

/** Folders of package managers that packages resolve through; caches stay head's own. */
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

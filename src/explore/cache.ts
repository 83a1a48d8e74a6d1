import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { replaceFile } from '../files/replace.js'
import { checkResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { permissionMissing, ValidationError } from '../validation/validation-error.js'

/** A cache of simulated results, in memory or in a folder. */
export interface Cache {
  get(key: string): Promise<Result | null>
  set(key: string, result: Result): Promise<void>
}

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/**
 * The cache key of a simulation: a hash of the scenario with its defaults filled in, and of the versions and the
 * architecture, since the same seed gives the same bytes only on one version of Node and one architecture.
 */
export function cacheKey(scenario: SimulatedScenario): string {
  return sha256(JSON.stringify([version, process.versions.node, process.arch, scenario]))
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** The maximum number of results in memory; the least recently used is evicted. A result takes a few hundred kB. */
const MOST = 256

/** The results of this process, stored as text, so that callers get separate copies. */
class Memory implements Cache {
  readonly #kept = new Map<string, string>()

  async get(key: string): Promise<Result | null> {
    const text = this.#kept.get(key)
    if (text === undefined) return null
    // a Map keeps insertion order: insert again, so that the least recently used comes first
    this.#kept.delete(key)
    this.#kept.set(key, text)
    return JSON.parse(text)
  }

  async set(key: string, result: Result): Promise<void> {
    this.#kept.set(key, JSON.stringify(result))
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MOST && oldest !== undefined) this.#kept.delete(oldest)
  }
}

export const memory: Cache = new Memory()

/** The first line of a file: the key and the checksum of the result in the second line. */
interface Header {
  schema: typeof SCHEMA
  key: string
  sha256: string
}
const SCHEMA = 'throughline/cached@1'

/** A folder of results, one per file. Files that are truncated, changed, foreign or inconsistent are ignored. */
class Folder implements Cache {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  #file(key: string): string {
    return join(this.#path, `${key}.jsonl`)
  }

  async get(key: string): Promise<Result | null> {
    try {
      const [first = '', second = ''] = (await readFile(this.#file(key), 'utf8')).split('\n')
      const header: Header = JSON.parse(first)
      const whole = header.schema === SCHEMA && header.key === key && header.sha256 === sha256(second)
      return whole ? checkResult(JSON.parse(second)) : null
    } catch {
      return null
    }
  }

  async set(key: string, result: Result): Promise<void> {
    const text = JSON.stringify(result)
    const header: Header = { schema: SCHEMA, key, sha256: sha256(text) }
    try {
      await replaceFile(this.#file(key), `${JSON.stringify(header)}\n${text}\n`)
    } catch {
      // a result that cannot be stored, as on a full disk, is only simulated again next time
    }
  }
}

/**
 * Opens a folder as a cache; creates it if it does not exist.
 *
 * @throws ValidationError if it is not writable
 */
export async function folderCache(path: string): Promise<Cache> {
  try {
    await makeFolder(resolve(path))
    // permissions alone do not show whether writing works, as in /proc
    const probe = join(path, randomUUID())
    await writeFile(probe, '')
    await rm(probe)
    await removeLeftovers(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST' || code === 'ENOTDIR' ? 'is a file' : `is not writable (${code}${permissionMissing(error)})`
    throw new ValidationError('sweep.cache', `must be a writable folder; ${path} ${why}`, {
      cause: error,
    })
  }
  return new Folder(path)
}

/** Writing takes milliseconds, so an older temporary file is left over from a process that was killed. */
const LEFT_MS = 60_000

async function removeLeftovers(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (!/^\.throughline-[\da-f-]{36}$/.test(name)) continue
    const file = join(path, name)
    // another process may remove it too
    const { mtimeMs } = (await stat(file).catch(() => null)) ?? {}
    if (mtimeMs !== undefined && Date.now() - mtimeMs > LEFT_MS) await rm(file, { force: true }).catch(() => {})
  }
}

/** Creates a folder and its parents. Node's recursive mkdir never returns below a folder like /proc. */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return
  if (dirname(path) !== path) await makeFolder(dirname(path))
  try {
    await mkdir(path)
  } catch (error) {
    // another process may have created it meanwhile
    if (!existsSync(path)) throw error
  }
}

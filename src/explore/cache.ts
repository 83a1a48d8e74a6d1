import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { replaceFile } from '../files/replace.js'
import { checkedResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { permissionMissing, ValidationError } from '../validation/validation-error.js'

/** Where simulated results are kept: in memory, or in a folder. */
export interface Cache {
  get(key: string): Promise<Result | null>
  set(key: string, result: Result): Promise<void>
}

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/**
 * What tells a simulation from any other: the scenario with its defaults filled in, and what runs it, since the same
 * seed gives the same bytes on one version of Node and one architecture.
 */
export function cacheKey(scenario: SimulatedScenario): string {
  return sha256(JSON.stringify([version, process.versions.node, process.arch, scenario]))
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** So many results are kept in memory; the least used go first. A result takes some hundred kilobytes. */
const MOST = 256

/** Results of this process. They are kept as text, so that no one can change what another gets. */
class Memory implements Cache {
  readonly #kept = new Map<string, string>()

  async get(key: string): Promise<Result | null> {
    const text = this.#kept.get(key)
    if (text === undefined) return null
    // what was used last goes last
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

/** The first line of a file: what the second, a result, is of, and that nobody has touched it. */
interface Header {
  schema: typeof SCHEMA
  key: string
  sha256: string
}
const SCHEMA = 'throughline/cached@1'

/** A folder of results, one a file: a file that is cut short, changed, foreign or contradicts itself counts as none. */
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
      return whole ? checkedResult(JSON.parse(second)) : null
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
      // what cannot be kept, as on a full disk, is simulated again: no reason to lose what was found
    }
  }
}

/**
 * A folder to keep results in, made where it is not there.
 *
 * @throws ValidationError if it cannot be written to
 */
export async function folderCache(path: string): Promise<Cache> {
  try {
    await makeFolder(resolve(path))
    // a right to write is not always worth much, as in /proc
    const probe = join(path, randomUUID())
    await writeFile(probe, '')
    await rm(probe)
    await removeLeftovers(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST' || code === 'ENOTDIR'
        ? 'is a file'
        : `cannot be written to (${code}${permissionMissing(error)})`
    throw new ValidationError('sweep.cache', `must be a folder that can be written to; ${path} ${why}`, {
      cause: error,
    })
  }
  return new Folder(path)
}

/** To write a result takes milliseconds: a temporary file as old as this is of a process that was killed meanwhile. */
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

/** A recursive mkdir of Node's never ends where a folder is there that takes no other, such as /proc. */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return
  if (dirname(path) !== path) await makeFolder(dirname(path))
  try {
    await mkdir(path)
  } catch (error) {
    // another process may have been faster
    if (!existsSync(path)) throw error
  }
}

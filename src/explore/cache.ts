import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import type { Result } from '../result/result.js'
import { ScenarioError } from '../scenario/error.js'
import type { SimulatedScenario } from '../scenario/scenario.js'

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

/** A folder of results, one a file: a file that is cut short, changed or foreign is as good as none. */
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
      return whole ? JSON.parse(second) : null
    } catch {
      return null
    }
  }

  async set(key: string, result: Result): Promise<void> {
    const text = JSON.stringify(result)
    const header: Header = { schema: SCHEMA, key, sha256: sha256(text) }
    const unfinished = `${this.#file(key)}.${randomUUID()}`
    try {
      await writeFile(unfinished, `${JSON.stringify(header)}\n${text}\n`)
      // all of it is there at once, for whoever else reads the folder
      await rename(unfinished, this.#file(key))
    } catch {
      // what cannot be kept, as on a full disk, is simulated again: no reason to lose what was found
      await rm(unfinished, { force: true }).catch(() => {})
    }
  }
}

/**
 * A folder to keep results in, made where it is not there.
 *
 * @throws ScenarioError where it cannot be written to
 */
export async function folderCache(path: string): Promise<Cache> {
  try {
    await makeFolder(resolve(path))
    // a right to write is not always worth much, as in /proc
    const probe = join(path, randomUUID())
    await writeFile(probe, '')
    await rm(probe)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'is a file' : `cannot be written to (${code})`
    throw new ScenarioError('sweep.cache', `must be a folder that can be written to; ${path} ${why}`, { cause: error })
  }
  return new Folder(path)
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

import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Piscina as Pool } from 'piscina'
import { messageOf } from '../validation/validation-error.js'
import type { ThreadTask } from './task.js'

/** Threads that all do one kind of task, each of them one at a time. */
export interface Thread<Task, Report> {
  /** @param signal ends the thread with its task */
  run(task: Task, signal?: AbortSignal): Promise<Report>
  destroy(): Promise<void>
}

/**
 * @param file the module that exports the task as `name`
 * @param count how many threads; more tasks than that wait their turn
 */
export async function startThread<Task, Report>(file: URL, name: string, count = 1): Promise<Thread<Task, Report>> {
  const pool = await startPool(count)
  return {
    run: (task, signal) => pool.run(taskOf(file, name, task), { ...ENTRY, ...(signal && { signal }) }),
    destroy: () => pool.destroy(),
  }
}

const TYPESCRIPT = import.meta.url.endsWith('.ts')

const asItStands = (url: string) => (TYPESCRIPT ? url.replace(/\.js$/, '.ts') : url)

/** What the pool is to call for any task. */
export const ENTRY = {
  filename: fileURLToPath(asItStands(new URL('./task.js', import.meta.url).href)),
  name: 'runTask',
}

/** A task of a thread, by the file that exports it and its name there. */
export const taskOf = (file: URL, name: string, given: unknown): ThreadTask => ({
  url: asItStands(file.href),
  name,
  given,
})

/** Of tsx: as it is named (`--import tsx`), or the file that its own command names. */
const isOfTsx = (flag: string) => /^(--\w+=)?tsx(\/\w+)*$|\/tsx\/dist\//.test(flag)

/** What a thread may be started with, without the tsx that the process runs under. */
export function withoutTsx(flags: string[]): string[] {
  return flags.flatMap((flag, i) => {
    if (/^--(import|require|conditions)=/.test(flag)) return isOfTsx(flag) ? [] : [flag]
    const value = flags[i + 1]
    return /^(--import|--require|-r|--conditions|-C)$/.test(flag) && value !== undefined && !isOfTsx(value)
      ? [flag, value]
      : []
  })
}

/**
 * Threads to be given tasks of several kinds.
 *
 * @param atOnce how many are started right away, which blocks this thread; the others start when a task needs them
 */
export async function startPool(count: number, { atOnce = count } = {}) {
  // loaded on first use: who only simulates pays nothing for it
  const { Piscina } = await import('piscina')
  const options = {
    minThreads: atOnce,
    maxThreads: count,
    // the pool's own way of waiting would stop a thread's event loop
    atomics: 'disabled' as const,
    recordTiming: false,
    workerHistogram: false,
    // the source as it stands needs tsx; what is built loads a TypeScript handler itself, and starts faster without
    ...(TYPESCRIPT && { execArgv: ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] }),
    ...(!TYPESCRIPT && process.execArgv.some(isOfTsx) && { execArgv: withoutTsx(process.execArgv) }),
  }
  let pool: Pool
  try {
    pool = new Piscina(options)
  } catch (error) {
    throw new Error(`threads cannot be started: ${messageOf(error)}`, { cause: error })
  }
  // a thread may fail while it has no task; with one, the task rejects
  pool.on('error', () => {})
  return pool
}

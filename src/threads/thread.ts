import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Piscina as Pool } from 'piscina'
import { messageOf } from '../validation/validation-error.js'
import type { ThreadTask } from './task.js'

/** Threads that run one kind of task, one at a time each. */
export interface Thread<Task, Report> {
  /** @param signal ends the thread with its task */
  run(task: Task, signal?: AbortSignal): Promise<Report>
  destroy(): Promise<void>
}

/**
 * Starts threads for one kind of task.
 *
 * @param file the module that exports the task as `name`
 * @param count the number of threads; further tasks wait in a queue
 */
export async function startThread<Task, Report>(file: URL, name: string, count = 1): Promise<Thread<Task, Report>> {
  const pool = await startPool(count)
  return {
    run: (task, signal) => pool.run(taskOf(file, name, task), { ...ENTRY, ...(signal && { signal }) }),
    destroy: () => pool.destroy(),
  }
}

const TYPESCRIPT = import.meta.url.endsWith('.ts')

/** The URL of the source file while the library runs from source, under tsx. */
export const sourceUrl = (url: string) => (TYPESCRIPT ? url.replace(/\.js$/, '.ts') : url)

/** The function that the pool calls for any task. */
export const ENTRY = {
  filename: fileURLToPath(sourceUrl(new URL('./task.js', import.meta.url).href)),
  name: 'runTask',
}

/** Describes a task, by the file that exports it and the name of the export. */
export const taskOf = (file: URL, name: string, given: unknown): ThreadTask => ({
  url: sourceUrl(file.href),
  name,
  given,
})

/** Whether a flag loads tsx: by name (`--import tsx`), or by file, as tsx's own command does. */
const isOfTsx = (flag: string) => /^(--\w+=)?tsx(\/\w+)*$|\/tsx\/dist\//.test(flag)

/** Returns the flags that a thread inherits, without tsx. */
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
 * Starts a pool of threads for tasks of any kind.
 *
 * @param atOnce the number of threads to start immediately, which blocks this thread; the others start on demand
 */
export async function startPool(count: number, { atOnce = count } = {}) {
  // loaded on first use, as simulating does not need it
  const { Piscina } = await import('piscina')
  const options = {
    minThreads: atOnce,
    maxThreads: count,
    // waiting with Atomics would block the threads' event loops
    atomics: 'disabled' as const,
    recordTiming: false,
    workerHistogram: false,
    // running from source needs tsx; the build loads TypeScript handlers itself, and its threads start faster without tsx
    ...(TYPESCRIPT && { execArgv: ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] }),
    ...(!TYPESCRIPT && process.execArgv.some(isOfTsx) && { execArgv: withoutTsx(process.execArgv) }),
  }
  let pool: Pool
  try {
    pool = new Piscina(options)
  } catch (error) {
    throw new Error(`cannot start threads: ${messageOf(error)}`, { cause: error })
  }
  // a thread can fail without a task; with one, the task rejects
  pool.on('error', () => {})
  return pool
}

import { real } from '../clock/real.js'
import { onAbort } from '../handler/on-abort.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { startThread } from './thread.js'

/** What a task is told beside its own. */
export interface Shared {
  /** which of the tasks it is */
  index: number
  /** a double for each task, in which it says how much of it is done, from 0 to 1 */
  fractions: SharedArrayBuffer
  /** a word that is not 0 once the tasks are to end early */
  ends: SharedArrayBuffer
}

/** What a task hands back where a scenario could not be run: from thread to thread an error would lose its kind. */
export interface Refused {
  refused: { path: string; message: string }
}

export interface OnThreads<Report> {
  /** how many tasks at a time */
  threads: number
  signal?: AbortSignal | undefined
  /** called some ten times a second with how much of each task is done, and how many are; false ends them early */
  onProgress?: ((fractions: Float64Array, done: number) => unknown) | undefined
  /** called with what each task hands back, as it does */
  onReport?: ((report: Report, index: number) => Promise<void>) | undefined
}

const PROGRESS_MS = 100

/**
 * Does tasks side by side on threads, which are gone when this returns.
 *
 * @param file the module that exports the task as `name`
 * @throws ValidationError if a task refuses its scenario; the signal's reason where it aborts
 */
export async function onThreads<Task, Report extends object>(
  file: URL,
  name: string,
  tasks: readonly Task[],
  { threads, signal, onProgress, onReport }: OnThreads<Report>,
): Promise<Report[]> {
  throwIfAborted(signal)
  const fractions = new SharedArrayBuffer(8 * tasks.length)
  const ends = new SharedArrayBuffer(4)
  let done = 0
  const tell = () => {
    if (onProgress?.(new Float64Array(fractions), done) === false) new Int32Array(ends)[0] = 1
  }
  const pool = await startThread<Task & Shared, Report | Refused>(file, name, Math.min(threads, tasks.length))
  const timer = onProgress && real.setInterval(tell, PROGRESS_MS)
  let ended: Promise<void> | null = null
  const end = () => {
    ended ??= pool.destroy()
    return ended
  }
  const callOff = signal && onAbort(signal, end)
  try {
    throwIfAborted(signal)
    const reports = tasks.map(async (task, index) => {
      const report = accepted(await pool.run({ ...task, index, fractions, ends }))
      done++
      await onReport?.(report, index)
      return report
    })
    const all = await Promise.all(reports)
    tell()
    return all
  } catch (error) {
    // a thread that was ended fails its task
    throwIfAborted(signal)
    throw error
  } finally {
    real.clearInterval(timer)
    callOff?.()
    await end()
  }
}

function accepted<Report extends object>(report: Report | Refused): Report {
  if (!('refused' in report)) return report
  const { path, message } = report.refused
  throw new ValidationError(path, path === '' ? message : message.slice(path.length + 2))
}

/** What a task does, or what it refuses. */
export function orRefused<Report>(task: () => Report): Report | Refused {
  try {
    return task()
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return { refused: { path: error.path, message: error.message } }
  }
}

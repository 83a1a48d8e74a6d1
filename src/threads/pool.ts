import { real } from '../clock/real.js'
import { onAbort } from '../handler/on-abort.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { startThread } from './thread.js'

/** The context of a task, which is added to its own arguments. */
export interface TaskContext {
  /** the number of the task */
  index: number
  /** one double per task: how much of it is done, from 0 to 1 */
  fractions: SharedArrayBuffer
  /** an int32 that becomes nonzero to stop the tasks early */
  stopFlag: SharedArrayBuffer
}

/** The report of a task whose scenario is invalid. A thrown error would not keep its class between threads. */
export interface Refused {
  refused: { path: string; message: string }
}

export interface PoolOptions<Report> {
  /** the number of threads, and so of tasks at a time */
  threads: number
  signal?: AbortSignal | undefined
  /** called about ten times a second with how much of each task is done, and how many are; false stops them early */
  onProgress?: ((fractions: Float64Array, done: number) => unknown) | undefined
  /** called with the report of each task when it is done */
  onReport?: ((report: Report, index: number) => Promise<void>) | undefined
}

const PROGRESS_MS = 100

/**
 * Runs tasks in parallel on threads, and ends the threads before it settles.
 *
 * @param file the module that exports the task as `name`
 * @throws ValidationError if a task refuses its scenario; the signal's reason if it aborts
 */
export async function onThreads<Task, Report extends object>(
  file: URL,
  name: string,
  tasks: readonly Task[],
  { threads, signal, onProgress, onReport }: PoolOptions<Report>,
): Promise<Report[]> {
  throwIfAborted(signal)
  const fractions = new SharedArrayBuffer(8 * tasks.length)
  const stopFlag = new SharedArrayBuffer(4)
  let done = 0
  const report = () => {
    if (onProgress?.(new Float64Array(fractions), done) === false) new Int32Array(stopFlag)[0] = 1
  }
  const pool = await startThread<Task & TaskContext, Report | Refused>(file, name, Math.min(threads, tasks.length))
  const timer = onProgress && real.setInterval(report, PROGRESS_MS)
  let ended: Promise<void> | null = null
  const end = () => {
    ended ??= pool.destroy()
    return ended
  }
  const removeListener = signal && onAbort(signal, end)
  try {
    throwIfAborted(signal)
    const reports = tasks.map(async (task, index) => {
      const taskReport = throwIfRefused(await pool.run({ ...task, index, fractions, stopFlag }))
      done++
      await onReport?.(taskReport, index)
      return taskReport
    })
    const all = await Promise.all(reports)
    report()
    return all
  } catch (error) {
    // ending a thread fails its task: the abort is the cause
    throwIfAborted(signal)
    throw error
  } finally {
    real.clearInterval(timer)
    removeListener?.()
    await end()
  }
}

/** Throws the ValidationError of a task that refused its scenario. */
export function throwIfRefused<Report extends object>(report: Report | Refused): Report {
  if (!('refused' in report)) return report
  const { path, message } = report.refused
  throw new ValidationError(path, path === '' ? message : message.slice(path.length + 2))
}

/** Runs a task, and returns a ValidationError that it throws as a report. */
export function catchRefusal<Report>(task: () => Report): Report | Refused {
  try {
    return task()
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return { refused: { path: error.path, message: error.message } }
  }
}

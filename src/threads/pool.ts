import { real } from '../clock/real.js'
import { onAbort } from '../handler/on-abort.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { sourceUrl, startThread } from './thread.js'

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

/** A kind of task: the module that exports it, and the name of the export. */
export interface TaskKind {
  file: URL
  name: string
}

export interface RunTasksOptions<Report> {
  signal?: AbortSignal | undefined
  /**
   * called about ten times a second with how much of each task is done, and how many are; false stops them early. On agents,
   * what it throws ends the run
   */
  onProgress?: ((fractions: Float64Array, done: number) => unknown) | undefined
  /** called with the report of each task when it is done */
  onReport?: ((report: Report, index: number) => Promise<void>) | undefined
  /** the report of a task that was stopped before it began */
  stopped?: Report | undefined
  /** the name of a task in errors of agents, such as `replication 3` */
  describe: (index: number) => string
  /** the error of a task that refused its scenario; without it, the ValidationError that the task threw */
  refusalOf?: ((refused: Refused['refused'], index: number) => Error) | undefined
}

/**
 * Runs tasks of one kind in parallel.
 *
 * @returns their reports, in the order of the tasks
 * @throws ValidationError if a task refuses its scenario; the signal's reason if it aborts
 */
export type RunTasks = <Task extends object, Report extends object>(
  kind: TaskKind,
  tasks: readonly Task[],
  options: RunTasksOptions<Report>,
) => Promise<Report[]>

export const PROGRESS_MS = 100

/** Runs tasks on threads of this process, as many at a time, and ends the threads before it settles. */
export const onThreads = (threads: number): RunTasks => {
  return (kind, tasks, options) => runOnThreads(threads, kind, tasks, options)
}

/** Runs tasks in this thread, one after another. It serves its other work between them, and notices an abort then. */
export const inThisThread: RunTasks = async <Task extends object, Report extends object>(
  { file, name }: TaskKind,
  tasks: readonly Task[],
  { signal, onProgress, onReport, refusalOf }: RunTasksOptions<Report>,
): Promise<Report[]> => {
  throwIfAborted(signal)
  const run: (task: Task & TaskContext) => Report | Refused | Promise<Report | Refused> = (
    await import(sourceUrl(file.href))
  )[name]
  const fractions = new SharedArrayBuffer(8 * tasks.length)
  const stopFlag = new SharedArrayBuffer(4)
  const reports: Report[] = []
  for (const [index, task] of tasks.entries()) {
    throwIfAborted(signal)
    const report = throwIfRefused(await run({ ...task, index, fractions, stopFlag }), index, refusalOf)
    reports.push(report)
    await onReport?.(report, index)
    if (onProgress?.(new Float64Array(fractions), reports.length) === false) new Int32Array(stopFlag)[0] = 1
    await new Promise((resolve) => real.setImmediate(resolve))
  }
  throwIfAborted(signal)
  return reports
}

async function runOnThreads<Task extends object, Report extends object>(
  threads: number,
  { file, name }: TaskKind,
  tasks: readonly Task[],
  { signal, onProgress, onReport, refusalOf }: RunTasksOptions<Report>,
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
      const taskReport = throwIfRefused(await pool.run({ ...task, index, fractions, stopFlag }), index, refusalOf)
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

/** Throws the error of a task that refused its scenario. */
export function throwIfRefused<Report extends object>(
  report: Report | Refused,
  index = 0,
  refusalOf: NonNullable<RunTasksOptions<Report>['refusalOf']> = validationErrorOf,
): Report {
  if ('refused' in report) throw refusalOf(report.refused, index)
  return report
}

const validationErrorOf = ({ path, message }: Refused['refused']) =>
  new ValidationError(path, path === '' ? message : message.slice(path.length + 2))

/** Whether a task continues, as a function: until its flag is set, if it has one. */
export function unlessStopped(stopFlag: SharedArrayBuffer | undefined): (() => boolean) | undefined {
  if (stopFlag === undefined) return undefined
  const stop = new Int32Array(stopFlag)
  return () => Atomics.load(stop, 0) === 0
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

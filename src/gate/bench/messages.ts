import { messageOf } from '../../validation/validation-error.js'

/** What runs the files of micro-benchmarks. */
export const BENCH_RUNNERS = ['vitest', 'tinybench'] as const
export type BenchRunner = (typeof BENCH_RUNNERS)[number]

/** A run of one file in a process of its own. */
export interface BenchRequest {
  /** absolute path */
  file: string
  /** names of the tasks to run; null lists all tasks and runs none */
  only: readonly string[] | null
  /** longest time of a task, without its warm-up */
  atMostMs: number
}

/** Statistics of the samples of a task, in milliseconds. */
export interface TaskTimes {
  mean: number
  p50: number
  p99: number
}

/** A task of a file. */
export interface BenchTask {
  name: string
  /** null if it was only listed, or failed */
  times: TaskTimes | null
  /** why it failed */
  failure?: string
}

/** The answer of the process. */
export type BenchReply = { tasks: BenchTask[] } | { error: string }

/** Numbers tasks that have the same name: `parse`, `parse (2)`. */
export function numberedNames(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((each) => each === name).length
    return before === 0 ? name : `${name} (${before + 1})`
  })
}

/** A suite or a benchmark of vitest. */
interface VitestTask {
  type: string
  name: string
}

/** Lists the benchmarks of a file of vitest, each with the names of its suites: `parser > parse`. */
export function listBenchmarks<Task extends VitestTask>(
  { tasks = [] }: { tasks?: Task[] },
  above = '',
): { path: string; task: Task }[] {
  return tasks.flatMap((task) => {
    const path = above + task.name
    return task.type === 'suite' ? listBenchmarks(task as { tasks?: Task[] }, `${path} > `) : [{ path, task }]
  })
}

/** Runs the request of this process, and sends the answer to its parent. */
export async function answer(run: (request: BenchRequest) => Promise<BenchTask[]>): Promise<void> {
  const reply: BenchReply = await run(JSON.parse(process.argv[2] as string)).then(
    (tasks) => ({ tasks }),
    (error) => ({ error: messageOf(error) }),
  )
  process.send?.(reply, () => process.exit())
}

import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { MessagePort } from 'node:worker_threads'
import type { GeneratorReport, GeneratorTask } from './generator.js'
import type { ServerReport, ServerTask } from './server.js'

/** The threads of one run: each has one task, as long as the run. */
export interface Threads {
  generate(task: GeneratorTask, transferred?: MessagePort[]): Promise<GeneratorReport>
  /** @param signal ends the thread */
  serve(task: ServerTask, signal: AbortSignal): Promise<ServerReport>
  /** Ends them, whatever they do; resolves when they have exited. */
  destroy(): Promise<void>
}

export async function startThreads(count: number): Promise<Threads> {
  const pool = await startPool(count)
  return {
    generate: (task, transferred = []) =>
      pool.run(task, { ...entry(new URL('./generator.js', import.meta.url), 'generate'), transferList: transferred }),
    serve: (task, signal) => pool.run(task, { ...entry(new URL('./server.js', import.meta.url), 'serve'), signal }),
    destroy: () => pool.destroy(),
  }
}

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
    run: (task, signal) => pool.run(task, { ...entry(file, name), ...(signal && { signal }) }),
    destroy: () => pool.destroy(),
  }
}

const TYPESCRIPT = import.meta.url.endsWith('.ts')

const entry = (file: URL, name: string) => {
  const path = fileURLToPath(file)
  return { filename: TYPESCRIPT ? path.replace(/\.js$/, '.ts') : path, name }
}

const isOfTsx = (flag: string) => /\/tsx\/dist\//.test(flag)

/** What a thread may be started with, without the tsx that the process runs under. */
function withoutTsx(flags: string[]): string[] {
  return flags.flatMap((flag, i) => {
    const value = flags[i + 1]
    return /^(--import|--require|--conditions)$/.test(flag) && value !== undefined && !isOfTsx(value)
      ? [flag, value]
      : []
  })
}

async function startPool(count: number) {
  // loaded on first use: who only simulates pays nothing for it
  const { Piscina } = await import('piscina')
  const pool = new Piscina({
    minThreads: count,
    maxThreads: count,
    // the pool's own way of waiting would stop a thread's event loop
    atomics: 'disabled',
    recordTiming: false,
    workerHistogram: false,
    // the source as it stands needs tsx; what is built loads a TypeScript handler itself, and starts faster without
    ...(TYPESCRIPT && { execArgv: ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] }),
    ...(!TYPESCRIPT && process.execArgv.some(isOfTsx) && { execArgv: withoutTsx(process.execArgv) }),
  })
  // a thread may fail while it has no task; with one, the task rejects
  pool.on('error', () => {})
  return pool
}

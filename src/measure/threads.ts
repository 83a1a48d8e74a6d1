import type { MessagePort } from 'node:worker_threads'
import { entry, startPool } from '../handler/thread.js'
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

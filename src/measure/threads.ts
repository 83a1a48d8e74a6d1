import type { MessagePort } from 'node:worker_threads'
import { ENTRY, startPool, taskOf } from '../handler/thread.js'
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

const GENERATOR = new URL('./generator.js', import.meta.url)
const SERVER = new URL('./server.js', import.meta.url)

export async function startThreads(count: number): Promise<Threads> {
  const pool = await startPool(count)
  return {
    generate: (task, transferred = []) =>
      pool.run(taskOf(GENERATOR, 'generate', task), { ...ENTRY, transferList: transferred }),
    serve: (task, signal) => pool.run(taskOf(SERVER, 'serve', task), { ...ENTRY, signal }),
    destroy: () => pool.destroy(),
  }
}

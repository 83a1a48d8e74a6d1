import type { Thread } from './thread.js'

/**
 * Runs one task at a time on a thread of its own, which starts when it is first needed. Calls that come meanwhile share the
 * report of the running task.
 */
export class SharedTask<Task, Report> {
  readonly #start: () => Promise<Thread<Task, Report>>
  #thread: Promise<Thread<Task, Report>> | null = null
  #running: Promise<Report | null> | null = null
  #isDestroyed = false

  constructor(start: () => Promise<Thread<Task, Report>>) {
    this.#start = start
  }

  /**
   * @param run makes a task and runs it on the thread; null if there is nothing to do
   * @returns null too once the thread is destroyed
   */
  run(run: (thread: () => Promise<Thread<Task, Report>>) => Promise<Report | null>): Promise<Report | null> {
    this.#running ??= this.#run(run).finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #run(run: (thread: () => Promise<Thread<Task, Report>>) => Promise<Report | null>): Promise<Report | null> {
    try {
      return await run(() => this.#ready())
    } catch (error) {
      if (this.#isDestroyed) return null
      throw error
    }
  }

  async #ready(): Promise<Thread<Task, Report>> {
    if (this.#isDestroyed) throw new Error('the thread is destroyed')
    this.#thread ??= this.#start()
    return this.#thread
  }

  async destroy(): Promise<void> {
    this.#isDestroyed = true
    await (await this.#thread?.catch(() => null))?.destroy()
  }
}

import type { Result } from '../../result/result.js'
import { storeScenario } from '../../scenario/scenario.js'
import { startThread, type Thread } from '../../threads/thread.js'
import type { Clock } from '../clock/clock.js'
import type { RunContext } from '../run-context.js'
import type { RunState } from './build-recording.js'
import type { SnapshotTask } from './take-snapshot.js'

/**
 * Snapshots of a run in progress. A thread of its own makes them, which starts with the first one: making a Result in this
 * process would lengthen the latencies of requests that it serves.
 */
export class Snapshots {
  readonly #task: Pick<SnapshotTask, 'memory' | 'scenario'>
  #thread: Promise<Thread<SnapshotTask, Result | null>> | null = null
  #taking: Promise<Result | null> | null = null
  #over = false

  private constructor({ memory, scenario }: Pick<RunContext, 'memory' | 'scenario'>) {
    const { setup, buffers } = memory.shared
    // a trace may be long
    const { arrivals: _, ...rest } = setup
    this.#task = { memory: { setup: rest, buffers }, scenario: storeScenario(scenario) }
  }

  /**
   * The snapshots of a run that reports its progress; null if it does not. To store a scenario takes 0.3 s for a trace of a
   * million times: it happens before the run, since later it would delay requests that this process serves.
   */
  static of(context: Pick<RunContext, 'memory' | 'scenario' | 'options'>): Snapshots | null {
    return context.options.onProgress === undefined ? null : new Snapshots(context)
  }

  /** Takes a snapshot, or returns the one that is being taken; null if there is nothing to show, or the run is over. */
  take(state: RunState, clock: Clock): Promise<Result | null> {
    this.#taking ??= this.#take(state, clock).finally(() => {
      this.#taking = null
    })
    return this.#taking
  }

  async #take({ queue, serving }: RunState, clock: Clock): Promise<Result | null> {
    if (this.#over) return null
    this.#thread ??= startThread(new URL('./take-snapshot.js', import.meta.url), 'takeSnapshot')
    try {
      // to start it takes long enough to matter for the time that the snapshot is of
      const thread = await this.#thread
      let oldestNs = queue.oldestDueNs
      for (const { dueNs, size } of serving())
        for (let i = 0; i < size; i++) oldestNs = Math.min(oldestNs, dueNs[i] as number)
      return await thread.run({ ...this.#task, nowNs: clock(), due: queue.seen, oldestNs })
    } catch (error) {
      if (this.#over) return null
      throw error
    }
  }

  async destroy(): Promise<void> {
    this.#over = true
    await (await this.#thread?.catch(() => null))?.destroy()
  }
}

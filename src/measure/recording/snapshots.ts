import type { Result } from '../../result/result.js'
import { storeScenario } from '../../scenario/scenario.js'
import { SharedTask } from '../../threads/shared-task.js'
import { startThread } from '../../threads/thread.js'
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
  readonly #taking = new SharedTask<SnapshotTask, Result | null>(() =>
    startThread(new URL('./take-snapshot.js', import.meta.url), 'takeSnapshot'),
  )

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
  take({ queue, serving, connections }: RunState, clock: Clock): Promise<Result | null> {
    return this.#taking.run(async (ready) => {
      // to start it takes long enough to matter for the time that the snapshot is of
      const thread = await ready()
      let oldestNs = queue.oldestDueNs
      for (const { dueNs, size } of serving())
        for (let i = 0; i < size; i++) oldestNs = Math.min(oldestNs, dueNs[i] as number)
      return thread.run({
        ...this.#task,
        ...{ nowNs: clock(), due: queue.seen, oldestNs },
        // only this process knows them
        connections: connections?.(),
      })
    })
  }

  destroy(): Promise<void> {
    return this.#taking.destroy()
  }
}

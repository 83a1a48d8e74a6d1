import { mergeShardResults } from '../../result/merge/merge-results.js'
import type { Result } from '../../result/result.js'
import { SharedTask } from '../../threads/shared-task.js'
import { startThread } from '../../threads/thread.js'

/** The result so far of one agent, as JSON. */
export interface SnapshotText {
  name: string
  text: string
}

/**
 * Merges the results so far of all agents. A thread of its own does it, since those of a thousand agents take seconds, in which
 * the coordinator could not renew its orders. It starts with the first merge.
 */
export class SnapshotMerger {
  readonly #merging = new SharedTask<SnapshotText[], Result>(() =>
    startThread(new URL('./snapshot-merger.js', import.meta.url), 'mergeSnapshots'),
  )

  /** Loads and merges them, or returns the merge that is under way; null if there is nothing to show, or the run is over. */
  take(load: () => Promise<SnapshotText[]>): Promise<Result | null> {
    return this.#merging.run(async (thread) => {
      // the run may be over by now
      const snapshots = await load().catch(() => [])
      return snapshots.length === 0 ? null : (await thread()).run(snapshots)
    })
  }

  destroy(): Promise<void> {
    return this.#merging.destroy()
  }
}

/** The task of the thread. */
export const mergeSnapshots = (snapshots: SnapshotText[]): Result =>
  mergeShardResults(
    snapshots.map(({ name, text }) => ({ name, result: JSON.parse(text) })),
    [],
  )

import { mergeShardResults } from '../../result/merge/merge-results.js'
import type { Result } from '../../result/result.js'
import { startThread, type Thread } from '../../threads/thread.js'

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
  #thread: Promise<Thread<SnapshotText[], Result>> | null = null
  #taking: Promise<Result | null> | null = null
  #over = false

  /** Loads and merges them, or returns the merge that is under way; null if there is nothing to show, or the run is over. */
  take(load: () => Promise<SnapshotText[]>): Promise<Result | null> {
    this.#taking ??= this.#take(load).finally(() => {
      this.#taking = null
    })
    return this.#taking
  }

  async #take(load: () => Promise<SnapshotText[]>): Promise<Result | null> {
    // the run may be over by now
    const snapshots = await load().catch(() => [])
    if (snapshots.length === 0 || this.#over) return null
    this.#thread ??= startThread(new URL('./snapshot-merger.js', import.meta.url), 'mergeSnapshots')
    try {
      return await (await this.#thread).run(snapshots)
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

/** The task of the thread. */
export const mergeSnapshots = (snapshots: SnapshotText[]): Result =>
  mergeShardResults(
    snapshots.map(({ name, text }) => ({ name, result: JSON.parse(text) })),
    [],
  )

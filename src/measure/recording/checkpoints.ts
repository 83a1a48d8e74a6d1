import type { CheckpointCount } from '../../result/recording.js'
import { type ResolvedScenario, storeScenario } from '../../scenario/scenario.js'
import { checkpointsOf, extentNs } from '../../scenario/stop.js'
import { startThread, type Thread } from '../../threads/thread.js'
import type { Clock } from '../clock/clock.js'
import type { CheckpointTask } from './judge-checkpoint.js'
import type { SharedMemory } from './shared-memory.js'

/**
 * The checkpoints of a run that goes on until it knows enough. A thread of its own judges each: that takes long enough
 * to show in the latencies of what this process serves.
 */
export class Checkpoints {
  readonly #task: Pick<CheckpointTask, 'memory' | 'scenario'>
  readonly #thread: Thread<CheckpointTask, boolean | null>
  readonly #endsNs: number[]
  /** how many checkpoints are over */
  #taken = 0
  #judging = false
  #decided = false
  #error: unknown = null

  private constructor(
    task: Pick<CheckpointTask, 'memory' | 'scenario'>,
    thread: Thread<CheckpointTask, boolean | null>,
  ) {
    this.#task = task
    this.#thread = thread
    this.#endsNs = checkpointsOf(task.scenario.stop).map((checkpoint) => extentNs(checkpoint).ns)
  }

  /** The checkpoints of a scenario; null if its run has a length of its own. */
  static async of(scenario: ResolvedScenario, memory: SharedMemory): Promise<Checkpoints | null> {
    const { stop } = scenario
    if (!('atMost' in stop)) return null
    const file = new URL('./judge-checkpoint.js', import.meta.url)
    const thread = await startThread<CheckpointTask, boolean | null>(file, 'judgeCheckpoint')
    const stored = { ...(storeScenario(scenario) as ResolvedScenario), stop }
    return new Checkpoints({ memory: memory.shared, scenario: stored }, thread)
  }

  /** How many checkpoints there were. */
  get count(): CheckpointCount {
    const planned = this.#endsNs.length
    // a run that no checkpoint ends goes on to the last
    return { planned, taken: this.#decided ? this.#taken : planned }
  }

  /**
   * Judges the newest checkpoint that is due, once all requests that were due before it have left. One that has to wait
   * for that until the next is due is skipped.
   *
   * @param end ends the run, since it has decided
   */
  pass(clock: Clock, end: () => void): void {
    if (this.#error !== null) throw this.#error
    const planned = this.#endsNs.length
    const now = clock()
    const taken = this.#endsNs.filter((ns) => ns <= now).length
    // at the last one the run ends by itself
    if (this.#judging || taken <= this.#taken || taken === planned || this.#decided) return
    this.#judging = true
    const endNs = Math.round(this.#endsNs[taken - 1] as number)
    this.#thread.run({ ...this.#task, endNs, taken, planned }).then(
      (enough) => {
        this.#judging = false
        if (enough === null) return
        this.#taken = taken
        if (!enough) return
        this.#decided = true
        end()
      },
      (error: unknown) => {
        this.#error = error
      },
    )
  }

  destroy(): Promise<void> {
    return this.#thread.destroy()
  }
}

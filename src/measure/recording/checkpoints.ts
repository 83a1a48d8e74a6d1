import type { CheckpointCount } from '../../result/recording.js'
import { type ResolvedScenario, storeScenario } from '../../scenario/scenario.js'
import { checkpointsOf, extentNs } from '../../scenario/stop.js'
import { startThread, type Thread } from '../../threads/thread.js'
import type { Clock } from '../clock/clock.js'
import type { CheckpointTask } from './judge-checkpoint.js'
import type { SharedMemory } from './shared-memory.js'

/**
 * The checkpoints of a run to a precision or a budget. A separate thread judges each of them, since that takes long
 * enough to lengthen the latencies of requests that this process serves.
 */
export class Checkpoints {
  readonly #task: Pick<CheckpointTask, 'memory' | 'scenario'>
  readonly #thread: Thread<CheckpointTask, boolean | null>
  readonly #endsNs: number[]
  /** how many checkpoints have passed */
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

  /** The checkpoints of a scenario; null if its run has a fixed length. */
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
    // without a decision a run passes all of them
    return { planned, taken: this.#decided ? this.#taken : planned }
  }

  /**
   * Judges the newest checkpoint that has passed, once all requests that were due before it have left. It is skipped if
   * the next one passes first.
   *
   * @param end called to end the run, if the checkpoint decides
   */
  pass(clock: Clock, end: () => void): void {
    if (this.#error !== null) throw this.#error
    const planned = this.#endsNs.length
    const now = clock()
    const taken = this.#endsNs.filter((ns) => ns <= now).length
    // the run ends by itself at the last one
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

import { startThread, type Thread } from '../handler/thread.js'
import type { Looks as Taken } from '../result/recording.js'
import { kept, type NormalScenario } from '../scenario/scenario.js'
import { extentNs, looksOf } from '../scenario/stop.js'
import type { Clock } from './clock.js'
import type { Layout } from './layout.js'
import type { LookTask } from './look.js'
import { Window } from './window.js'

/**
 * Looks at a run that goes on until it knows enough, and ends it once it does. The looking is done on a thread of its
 * own: it takes long enough to be seen in the latencies of what this process serves.
 */
export class Looks {
  readonly #task: Pick<LookTask, 'wire' | 'scenario'>
  readonly #window: Window
  readonly #thread: Thread<LookTask, boolean | null>
  readonly #looksNs: number[]
  /** how many looks are over */
  #taken = 0
  #looking = false
  #error: unknown = null

  private constructor(task: Pick<LookTask, 'wire' | 'scenario'>, thread: Thread<LookTask, boolean | null>) {
    this.#task = task
    this.#window = new Window(task.wire.window)
    this.#thread = thread
    this.#looksNs = looksOf(task.scenario.stop).map((look) => extentNs(look).ns)
  }

  /** What looks at a run; null where it has a length of its own. */
  static async at({ scenario, wire }: Layout): Promise<Looks | null> {
    const { stop } = scenario
    if (!('atMost' in stop)) return null
    const thread = await startThread<LookTask, boolean | null>(new URL('./look.js', import.meta.url), 'look')
    return new Looks({ wire, scenario: { ...(kept(scenario) as NormalScenario), stop } }, thread)
  }

  get looks(): Taken {
    // a run that no look ends goes on to the last
    const planned = this.#looksNs.length
    return { planned, taken: this.#window.endsEarly ? this.#taken : planned }
  }

  /**
   * Time has passed: takes the newest look that is due, once all that was due before it has left. One that has to wait
   * for that until the next is due is left out.
   */
  pass(clock: Clock): void {
    if (this.#error !== null) throw this.#error
    const planned = this.#looksNs.length
    const now = clock()
    const taken = this.#looksNs.filter((ns) => ns <= now).length
    // at the last the run ends by itself
    if (this.#looking || taken <= this.#taken || taken === planned || this.#window.endsEarly) return
    this.#looking = true
    const endNs = Math.round(this.#looksNs[taken - 1] as number)
    this.#thread.run({ ...this.#task, endNs, taken, planned }).then(
      (enough) => {
        this.#looking = false
        if (enough === null) return
        this.#taken = taken
        if (enough) this.#window.endEarly(clock)
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

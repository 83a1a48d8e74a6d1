import type { Looks } from '../result/recording.js'
import type { Policy } from '../scenario/policy.js'
import type { NormalScenario } from '../scenario/scenario.js'
import type { Books } from './account.js'
import type { Death } from './death.js'
import type { HostWatch } from './host.js'
import type { NormalOptions } from './options.js'
import type { Plan } from './plan.js'
import type { Wire } from './wire.js'

/** A run before it begins. */
export interface Layout {
  scenario: NormalScenario
  settings: NormalOptions
  plan: Plan
  policy: Policy
  wire: Wire
  host: HostWatch
}

/** What has come of a run. */
export interface Outcome {
  books: Books
  /** how often it was looked at, where it was to go on until it knew enough */
  looks?: Looks | undefined
  /** when it ended, from time 0 */
  endedNs: number
  /** how late the newest request was sent */
  lateNs: number
  /** the first failure of a request */
  failure: Error | null
  /** servers whose threads ended during the run, of how many */
  deaths: Death[]
  /** what a teardown threw */
  teardown: Error | null
}

import { enough } from '../budget/enough.js'
import { resultOf } from '../result/result.js'
import { policyOf } from '../scenario/batching.js'
import type { NormalScenario } from '../scenario/scenario.js'
import type { Looked } from '../scenario/stop.js'
import { accountSoFar, booksOf } from './account.js'
import { Ledger } from './ledger.js'
import { limitedOf } from './limited.js'
import { Ring } from './ring.js'
import { Window } from './window.js'
import type { Wire } from './wire.js'

/** What the thread that looks at a run is told. */
export interface LookTask {
  wire: Wire
  /** as plain data */
  scenario: NormalScenario & { stop: Looked }
  /** when the part of the run ends that is looked at, and which look of how many it is */
  endNs: number
  taken: number
  planned: number
}

/**
 * The task of such a thread: whether what a run has shown so far is enough. It only reads what the run's threads share,
 * and waits for nothing. Null where requests that were due in the part that it looks at are still under way.
 */
export function look({ wire, scenario, endNs, taken, planned }: LookTask): boolean | null {
  const policy = policyOf(scenario.batching)
  const window = new Window(wire.window)
  const ledgers = wire.ledgers.map((ledger) => new Ledger(ledger, policy.maxBatchSize, window.segments))
  const books = booksOf(window, new Ring(wire.ring), ledgers, limitedOf({ scenario, wire, policy }))
  let count = 0
  while (count < window.segments && window.segmentStartNs(count) < endNs) count++
  const recording = accountSoFar(scenario, books, count)
  if (recording === null) return null
  if (recording.counts.completed === 0) return false
  return enough(resultOf({ ...recording, looks: { planned, taken } }), scenario.stop)
}

import { policyOf } from '../scenario/batching.js'
import type { NormalScenario } from '../scenario/scenario.js'
import { Answers } from './answers.js'
import { Bells } from './bells.js'
import { type HostWire, layOutHost } from './host.js'
import { Ledger } from './ledger.js'
import { type SharedLimits, shareLimits } from './limits.js'
import { Observations } from './observations.js'
import type { Plan } from './plan.js'
import { newQueueBuffer } from './queue.js'
import { PLACES, ringBytes } from './ring.js'
import { Start } from './start.js'
import { Window } from './window.js'

/** The memory that the threads of a run share: the whole of what passes between them while it lasts. */
export interface Wire {
  /** the starting line, and time 0 */
  start: SharedArrayBuffer
  /** the window, its segments, and what the generator has to say */
  window: SharedArrayBuffer
  /** the requests that wait: the generator puts them in, the servers take them out */
  ring: SharedArrayBuffer
  /** which servers sleep */
  bells: SharedArrayBuffer
  /** which servers are idle, and how far the departures have come, under the servers' lock */
  queue: SharedArrayBuffer
  /** what clients are told, where the arrivals are a closed loop */
  answers: SharedArrayBuffer | null
  /** who waits, and who was turned away, where the queue has limits */
  limits: SharedLimits | null
  /** what each server has done; only the server itself writes */
  ledgers: SharedArrayBuffer[]
  /** each server's batches one by one, where they are asked for */
  observations: SharedArrayBuffer[] | null
  /** what the threads say of the machine */
  host: HostWire
}

/** Lays out the memory of a run, before it begins. */
export function layOut(scenario: NormalScenario, plan: Plan, servers: number, observe: number): Wire {
  const { arrivals } = scenario
  const { maxBatchSize } = policyOf(scenario.batching)
  const each = (bytes: number) => Array.from({ length: servers }, () => new SharedArrayBuffer(bytes))
  return {
    start: new Start().buffer,
    window: Window.of(plan).buffer,
    ring: new SharedArrayBuffer(ringBytes(PLACES, arrivals.process === 'closed')),
    bells: new Bells(servers).buffer,
    // as many as serve side by side, in this process too
    queue: newQueueBuffer(scenario.servers ?? 1),
    answers: arrivals.process === 'closed' ? new SharedArrayBuffer(Answers.bytes(arrivals.clients)) : null,
    limits: shareLimits(scenario, plan.segments.length),
    ledgers: each(Ledger.bytes(maxBatchSize, plan.segments.length)),
    observations: observe === 0 ? null : each(Observations.bytes(Math.ceil(observe / servers), maxBatchSize)),
    host: layOutHost(plan, servers, 'atMost' in scenario.stop),
  }
}

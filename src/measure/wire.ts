import { Bells } from './bells.js'
import { type HostWire, layOutHost } from './host.js'
import { Ledger } from './ledger.js'
import { Observations } from './observations.js'
import type { Plan } from './plan.js'
import { newQueueBuffer } from './queue.js'
import { Ring } from './ring.js'
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
  /** what each server has done; only the server itself writes */
  ledgers: SharedArrayBuffer[]
  /** each server's batches one by one, where they are asked for */
  observations: SharedArrayBuffer[] | null
  /** what the threads say of the machine */
  host: HostWire
}

/** Lays out the memory of a run, before it begins. */
export function layOut(plan: Plan, servers: number, maxBatchSize: number, observe: number): Wire {
  const each = (bytes: number) => Array.from({ length: servers }, () => new SharedArrayBuffer(bytes))
  return {
    start: new Start().buffer,
    window: Window.of(plan).buffer,
    ring: new Ring().buffer,
    bells: new Bells(servers).buffer,
    queue: newQueueBuffer(servers),
    ledgers: each(Ledger.bytes(maxBatchSize, plan.segments.length)),
    observations: observe === 0 ? null : each(Observations.bytes(Math.ceil(observe / servers), maxBatchSize)),
    host: layOutHost(plan, servers),
  }
}

import { checkMeasurable } from '../../../src/measure/measurable.js'
import { planOfLoop } from '../../../src/measure/plan.js'
import { type Batch, numbersInAll } from '../../../src/measure/queue/batch.js'
import type { DropReason } from '../../../src/measure/queue/drops.js'
import { PARKED } from '../../../src/measure/queue/parking.js'
import { SharedQueue } from '../../../src/measure/queue/shared-queue.js'
import { stateOf } from '../../../src/measure/recording/build-recording.js'
import type { ServerStats } from '../../../src/measure/recording/server-stats.js'
import { SharedMemory } from '../../../src/measure/recording/shared-memory.js'
import type { Shard } from '../../../src/scenario/arrivals/shard.js'
import { resolveScenario, type ScenarioParts } from '../../../src/scenario/scenario.js'
import { planOf } from './virtual-event-loop.js'

/** How threads behave in virtual time, in whole nanoseconds. */
export interface Threads {
  /** from a batch's start to its end; its requests have these numbers in the whole stream */
  service(size: number, numbers: Float64Array): number
  /** how long a server takes from waking to its check, from the check to the start, and from the end to the next check */
  delay(): number
  /** which of the requests of a run fail */
  fails?(number: number): boolean
  /** how many requests may wait: a power of two */
  places?: number
  /** in how many segments they are counted: each takes memory */
  segments?: number
  /** how far in the future to set a time that no thread may have passed yet; 0 if none can have */
  aheadNs?: number
}

/** A run with more checks of the queue than this hangs. */
const MOST_STEPS = 500_000

export interface Served {
  server: number
  /** its requests' numbers */
  requests: number[]
  size: number
  freeNs: number
  leaveNs: number
  cause: string
  startNs: number
  endNs: number
  /** when its server checked the queue again */
  backNs: number
  due: number[]
  queued: number[]
}

/** A request that left the queue unserved. */
export interface Dropped {
  reason: DropReason
  number: number
  dueNs: number
  atNs: number
}

/**
 * Runs the measuring engine without threads: servers alternate in virtual time, on the code that threads run. A server
 * checks the queue only when it is notified or at its wake time, so that a lost notification leaves requests behind.
 */
export function runInVirtualTime(given: ScenarioParts, threads: Threads, shard: Shard | null = null) {
  const scenario = checkMeasurable(resolveScenario({ handler: 'none.js', ...given }, 'measure'))
  const servers = scenario.servers as number
  const { arrivals } = scenario
  const plan =
    arrivals.process === 'closed'
      ? planOfLoop({ ...scenario, arrivals }, shard)
      : planOf({ ...scenario, arrivals }, shard)
  plan.segments = plan.segments.slice(0, threads.segments)
  const { places = 1024 } = threads
  const limit = Math.min(scenario.queue.capacity ?? places - 1, places - 1)
  // no batch is larger than what may wait: to leave room for any size takes ten times as long as the run
  const maxBatchSize = Math.min(scenario.batching.maxBatchSize ?? places, places)
  const batching = { ...scenario.batching, maxBatchSize }
  const memory = SharedMemory.allocate({ ...scenario, batching }, plan, servers, { waiting: limit })
  const window = memory.window()
  // the servers are there before the first request
  let now = -1
  const clock = () => now
  const dropped: Dropped[] = []
  const arrived: number[] = []
  const queueOf = () => {
    // each thread has a window of its own over the same memory
    const queue = new SharedQueue(
      memory.setup,
      memory.buffers.queue,
      memory.window(),
      clock,
      threads.aheadNs ?? 0,
      memory.classes,
    )
    const [drop, arrive] = [queue.drop.bind(queue), queue.arrive.bind(queue)]
    queue.drop = (reason, number, dueNs, atNs) => {
      dropped.push({ reason, number, dueNs, atNs })
      drop(reason, number, dueNs, atNs)
    }
    queue.arrive = (number, dueNs) => {
      arrived[number] = dueNs
      arrive(number, dueNs)
    }
    return queue
  }
  const queues = Array.from({ length: servers }, queueOf)
  const stats = memory.stats()

  const served: Served[] = []
  const current: (Served | null)[] = Array.from({ length: servers }, () => null)
  /** when each server checks the queue next */
  const checkAt = new Float64Array(servers).fill(-1)
  const asleep = Array.from({ length: servers }, () => false)
  const ended = Array.from({ length: servers }, () => false)

  const check = (server: number) => {
    const own = stats[server] as ServerStats
    const { batch } = own
    const queue = queues[server] as SharedQueue
    const last = current[server]
    if (last) {
      queue.respond(batch)
      finish(own, batch)
      last.backNs = now
      current[server] = null
    }
    if (now >= window.drainNs) {
      ended[server] = true
      checkAt[server] = Number.POSITIVE_INFINITY
    } else if (queue.take(server, batch, last?.endNs ?? -1)) {
      batch.startNs = now + threads.delay()
      batch.endNs = batch.startNs + threads.service(batch.size, numbersInAll(batch, shard))
      const { size, freeNs, leaveNs, cause, startNs, endNs } = batch
      const one: Served = {
        ...{ server, size, freeNs, leaveNs, cause, startNs, endNs },
        requests: [...batch.numbers.subarray(0, size)],
        backNs: Number.POSITIVE_INFINITY,
        due: [...batch.dueNs.subarray(0, size)],
        queued: [...batch.queuedNs.subarray(0, size)],
      }
      served.push(one)
      current[server] = one
      checkAt[server] = endNs + threads.delay()
      own.begin()
    } else if (queue.finished) {
      ended[server] = true
      checkAt[server] = Number.POSITIVE_INFINITY
    } else {
      asleep[server] = true
      checkAt[server] = Math.min(queue.wakeAtNs, window.drainNs) + threads.delay()
    }
  }

  const finish = (own: ServerStats, { numbers, size }: Batch) => {
    const failed = Uint8Array.from(numbers.subarray(0, size), (number) =>
      threads.fails?.(number) ? own.kinds.placeOf(`status ${500 + (number % 5)}`) : 0,
    )
    const failures = failed.filter((mark) => mark > 0).length
    own.end(window, failures === 0 ? null : failed, failures)
  }

  for (let steps = 0; ; steps++) {
    if (steps > MOST_STEPS) throw new Error(`servers check the queue forever, at ${now} ns`)
    for (let server = 0; server < servers; server++) {
      if (!asleep[server] || (queues[server] as SharedQueue).parkingWord(server)[0] === PARKED) continue
      asleep[server] = false
      checkAt[server] = Math.min(checkAt[server] as number, now + threads.delay())
    }
    let next = 0
    for (let server = 1; server < servers; server++) {
      const [at, soonest] = [checkAt[server] as number, checkAt[next] as number]
      // at one instant, completions come before everything else
      if (at < soonest || (at === soonest && current[next] === null)) next = server
    }
    const at = checkAt[next] as number
    if (at === Number.POSITIVE_INFINITY) break
    if (at > now) now = at
    asleep[next] = false
    check(next)
  }
  const state = stateOf(window, queueOf(), stats, memory.classes)
  const allEnded = ended.every(Boolean)
  return { scenario, plan, memory, window, state, arrived, served, dropped, nowNs: now, allEnded }
}

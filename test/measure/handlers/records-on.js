// Records batches in the memory of a run, on a thread of its own.
import { REJECTION } from '../../../dist/measure/recording/server-stats.js'
import { SharedMemory } from '../../../dist/measure/recording/shared-memory.js'

/**
 * Records batches of a run, one a millisecond of virtual time and as fast as it can, with a pause of 5 ms after each
 * hundred, in which a slow machine can copy them, until `stop` is not 0. Requests complete, fail, are rejected by the target, or time out in the queue.
 *
 * @returns how many were recorded
 */
export function recordOn({ memory, stop }) {
  const shared = new SharedMemory(memory)
  const window = shared.window()
  const drops = shared.drops()
  const [stats] = shared.stats()
  const { batch } = stats
  const failed = new Uint8Array(4)
  const marks = [new RangeError('too far'), Object.assign(new Error('full'), { code: 'ENOSPC' })].map(stats.markOf)
  let number = 0
  for (let i = 1; Atomics.load(stop, 0) === 0 && 1_000_000 * (number + 8) < window.endNs; i++) {
    const nowNs = 1_000_000 * number
    batch.size = 1 + (i % 4)
    batch.hasFirst = i % 2 === 0
    Object.assign(batch, {
      freeNs: nowNs,
      leaveNs: nowNs + 100,
      startNs: nowNs + 250,
      endNs: nowNs + 1000 * (i % 997) + 300,
    })
    let failures = 0
    for (let k = 0; k < batch.size; k++) {
      const dueNs = nowNs - 10 * k
      window.arrive(number, Math.max(0, dueNs))
      batch.numbers[k] = number++
      batch.dueNs[k] = dueNs
      batch.queuedNs[k] = dueNs
      batch.firstNs[k] = nowNs + 270
      batch.laterNs[k] = [nowNs + 280]
      failed[k] = (i + k) % 5 === 0 ? marks[k % 2] : 0
      if (failed[k] !== 0) failures++
    }
    if (i % 13 === 0) failures = failed.fill(REJECTION, 0, batch.size) && batch.size
    stats.end(window, failures === 0 ? null : failed, failures, batch)
    window.arrive(number, nowNs)
    drops.record('timedOut', window, number++, nowNs, nowNs + 400)
    if (i % 100 === 0) Atomics.wait(stop, 0, 0, 5)
  }
  return number
}

import { valuesOf } from '../scenario/by-hash.js'
import { ScenarioError } from '../scenario/error.js'
import { type Recorded, recordedBatches, recordedLine } from '../scenario/recorded.js'
import { NS_PER_MS, nanoseconds } from '../scenario/units.js'

/** By how much of its length a run may go on for longer than the recorded one. */
const LONGER = 0.1
const NEVER = Number.POSITIVE_INFINITY

/** The recorded times over their mean at their batch size, one a batch: by which the mean is to be multiplied. */
export function recordedFactors(recorded: Recorded): (size: number, startNs: number) => number {
  const { base, perItem } = recordedLine(recorded)
  const factor = (timeNs: number, size: number) => (timeNs === 0 ? 0 : timeNs / (base + perItem * size))
  if (recorded.by === 'order') {
    const factors = valuesOf<number>(recorded.times).map((time) => factor(nanoseconds(time), 0))
    let next = 0
    return () => {
      if (next < factors.length) return factors[next++] as number
      throw new ScenarioError(
        'service.times',
        `holds ${factors.length.toLocaleString('en')} service times, and the run starts more batches than that; stop it earlier or record for longer`,
      )
    }
  }

  const batches = recordedBatches(recorded.times)
  const starts = Float64Array.from(batches, ({ atNs }) => atNs)
  const factors = Float64Array.from(batches, ({ timeNs, size }) => factor(timeNs, size))
  const recordedNs = batches.reduce((end, { atNs, timeNs }) => Math.max(end, atNs + timeNs), 0)
  const untilNs = recordedNs * (1 + LONGER)
  const taken = new Uint32Array(batches.length)
  let nearest = 0
  return (_, startNs) => {
    if (startNs > untilNs) {
      throw new ScenarioError(
        'service.times',
        `ends at ${recordedNs / NS_PER_MS} ms, and a batch of this run starts at ${startNs / NS_PER_MS} ms; stop it earlier or record for longer`,
      )
    }
    // batches start nearly in order, so that the nearest is near the last one's
    const away = (i: number) => Math.abs((starts[i] ?? NEVER) - startNs)
    while ((starts[nearest + 1] ?? NEVER) <= startNs || away(nearest + 1) < away(nearest)) nearest++
    while (nearest > 0 && (starts[nearest] as number) > startNs && away(nearest - 1) <= away(nearest)) nearest--
    // of several that started at one instant each has its turn
    let first = nearest
    while (first > 0 && starts[first - 1] === starts[nearest]) first--
    let turn = first
    for (let i = first + 1; starts[i] === starts[first]; i++) {
      if ((taken[i] as number) < (taken[turn] as number)) turn = i
    }
    taken[turn] = (taken[turn] as number) + 1
    return factors[turn] as number
  }
}

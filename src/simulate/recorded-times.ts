import { valuesOf } from '../scenario/by-hash.js'
import { NS_PER_MS, nanoseconds } from '../scenario/nanoseconds.js'
import { type Recorded, recordedBatches, recordedLine } from '../scenario/service/recorded.js'
import { ValidationError } from '../validation/validation-error.js'

/** A run may be longer than the recorded one by this fraction. */
const LONGER = 0.1
const NEVER = Number.POSITIVE_INFINITY

/** Creates a source of factors by which to multiply the mean: recorded times over their mean at their batch size. */
export function recordedFactors(recorded: Recorded): (size: number, startNs: number) => number {
  const { base, perItem } = recordedLine(recorded)
  const factor = (timeNs: number, size: number) => (timeNs === 0 ? 0 : timeNs / (base + perItem * size))
  if (recorded.by === 'order') {
    return inOrder(
      valuesOf<number>(recorded.times).map((time) => factor(nanoseconds(time), 0)),
      'service.times',
      'service times, but the run starts more batches',
    )
  }

  const batches = recordedBatches(recorded.times)
  const factors = Float64Array.from(batches, ({ timeNs, size }) => factor(timeNs, size))
  const recordedNs = batches.reduce((end, { atNs, timeNs }) => Math.max(end, atNs + timeNs), 0)
  const untilNs = recordedNs * (1 + LONGER)
  const nearest = nearestOf(Float64Array.from(batches, ({ atNs }) => atNs))
  return (_, startNs) => {
    if (startNs > untilNs) {
      throw new ValidationError(
        'service.times',
        `ends at ${recordedNs / NS_PER_MS} ms, but a batch of this run starts at ${startNs / NS_PER_MS} ms; stop the run earlier or record for longer`,
      )
    }
    return factors[nearest(startNs)] as number
  }
}

/**
 * Creates a source of the recorded dispatch times of one cause, in whole nanoseconds. By time, the run may be longer than
 * the recording, because the last dispatch of a cause may have been long before its end.
 *
 * @param path their path in the scenario
 */
export function recordedDispatches(recorded: Recorded, path: string): (leaveNs: number) => number {
  if (recorded.by === 'order') {
    const times = valuesOf<number>(recorded.times).map(nanoseconds)
    return inOrder(times, path, 'dispatch times, but the run needs more')
  }
  const batches = recordedBatches(recorded.times)
  const times = Float64Array.from(batches, ({ timeNs }) => timeNs)
  const nearest = nearestOf(Float64Array.from(batches, ({ atNs }) => atNs))
  return (leaveNs) => times[nearest(leaveNs)] as number
}

/** @param shortage the rest of the error message after the number of values */
function inOrder(values: number[], path: string, shortage: string): () => number {
  let next = 0
  return () => {
    if (next < values.length) return values[next++] as number
    throw new ValidationError(
      path,
      `has only ${values.length.toLocaleString('en')} ${shortage}; stop the run earlier or record for longer`,
    )
  }
}

/** Creates a search for the nearest of some sorted moments; of two equally near, the earlier. */
function nearestOf(moments: Float64Array): (atNs: number) => number {
  const taken = new Uint32Array(moments.length)
  let nearest = 0
  return (atNs) => {
    // calls come almost in time order, so search from the last result
    const away = (i: number) => Math.abs((moments[i] ?? NEVER) - atNs)
    while ((moments[nearest + 1] ?? NEVER) <= atNs || away(nearest + 1) < away(nearest)) nearest++
    while (nearest > 0 && (moments[nearest] as number) > atNs && away(nearest - 1) <= away(nearest)) nearest--
    // several at the same instant are taken in turn
    let first = nearest
    while (first > 0 && moments[first - 1] === moments[nearest]) first--
    let turn = first
    for (let i = first + 1; moments[i] === moments[first]; i++) {
      if ((taken[i] as number) < (taken[turn] as number)) turn = i
    }
    taken[turn] = (taken[turn] as number) + 1
    return turn
  }
}

import type { GoodInput } from '../../scenario/good.js'
import { LIMITED_TIMES } from '../../scenario/times.js'
import { sumBy } from '../../statistics/descriptive.js'
import { errorsIn } from '../recording.js'
import type { Result } from '../result.js'
import { contradictionOfClasses } from './classes.js'
import { contradictionInGoodput, contradictionInRates } from './counts.js'
import { contradictionOfResponses } from './responses.js'
import { type Contradiction, isAbout, ROUNDING, same } from './rounding.js'
import { contradictionOfSegments } from './segments.js'
import { contradictionOfStages } from './stages.js'

/** Finds the first contradiction between the figures of a result. Returns null if there is none. */
export function contradictionOf(result: Result): Contradiction | null {
  for (const find of FINDERS) {
    const found = find(result)
    if (found !== null) return found
  }
  return null
}

const FINDERS: readonly ((result: Result) => Contradiction | null)[] = [
  contradictionOfCounts,
  contradictionOfGoodput,
  contradictionOfResponses,
  contradictionOfSegments,
  contradictionOfFailures,
  contradictionOfClasses,
  contradictionOfStages,
  contradictionOfParts,
  contradictionOfBatches,
  contradictionOfBytes,
  contradictionOfMachines,
  contradictionOfValidity,
]

/** A contradiction between counts and the rates, latencies and window that they belong to; null if there is none. */
function contradictionOfCounts({ counts, rates, latencyMs, throughput, window }: Result): Contradiction | null {
  const { offered, completed, aborted } = counts
  if (window.endMs <= window.startMs) return ['window.endMs', 'must be after the start']
  if (offered !== completed + errorsIn(counts) + aborted) {
    return ['counts.offered', 'must be the sum of the other counts']
  }
  if (completed !== latencyMs.count) return ['counts.completed', 'must equal the number of latencies']
  const inRates = contradictionInRates(rates, counts, '')
  if (inRates !== null) return inRates
  return same(throughput.offered, (1000 * offered) / (window.endMs - window.startMs))
    ? null
    : ['throughput.offered', 'must be counts.offered divided by the length of the window']
}

/** A contradiction between batches and their sizes; null if there is none. */
function contradictionOfBatches({ batches }: Result): Contradiction | null {
  const ofSizes = Object.entries(batches.sizes)
  const batched = sumBy(ofSizes, ([size, batches]) => Number(size) * batches)
  return batches.count === sumBy(ofSizes, ([, batches]) => batches) && same(batches.meanSize * batches.count, batched)
    ? null
    : ['batches', 'must have the count and the mean size that follow from sizes']
}

/** A contradiction between validity and findings; null if there is none. */
function contradictionOfValidity({ validity }: Result): Contradiction | null {
  return validity.valid === validity.findings.some(({ severity }) => severity === 'error')
    ? ['validity.valid', 'must be true if no finding is an error, and false otherwise']
    : null
}

/** A contradiction between bytes and their rates; null if there is none. */
function contradictionOfBytes({ bytes, window }: Result): Contradiction | null {
  if (bytes === undefined) return null
  const seconds = (window.endMs - window.startMs) / 1000
  const areRates =
    same(bytes.sentPerSecond, bytes.sent / seconds) && same(bytes.receivedPerSecond, bytes.received / seconds)
  return areRates ? null : ['bytes', 'must have rates equal to the bytes divided by the length of the window']
}

/** A contradiction between failures by kind and their count; null if there is none. */
function contradictionOfFailures({ failures, failedMs, counts }: Result): Contradiction | null {
  if (failures !== undefined && sumBy(Object.values(failures), (count) => count) !== counts.failed) {
    return ['failures', 'must add up to counts.failed']
  }
  if (failedMs !== undefined && failedMs.count !== counts.failed) {
    return ['failedMs.count', 'must equal counts.failed']
  }
  return null
}

/** A contradiction between goodput and the counts that it is computed from; null if there is none. */
function contradictionOfGoodput(given: Result): Contradiction | null {
  const { goodput, counts, scenario, window, validity } = given
  if ((goodput === undefined) !== (counts.good === undefined)) {
    return ['counts.good', 'must be present exactly when the result has goodput']
  }
  const isUnknown = validity.findings.some(({ code }) => code === 'goodput-unknown')
  if (scenario !== null && (scenario.good === undefined || isUnknown) !== (goodput === undefined)) {
    return ['goodput', "must be present exactly when the scenario has 'good' and goodput is known"]
  }
  if (goodput === undefined) return null
  const { fraction, interval, limits } = goodput
  const asked = (scenario?.good ?? limits) as GoodInput
  if (LIMITED_TIMES.some((time) => asked[time] !== limits[time]))
    return ['goodput.limits', "must be the limits of the scenario's 'good'"]
  const inGoodput = contradictionInGoodput(goodput, counts, '', (window.endMs - window.startMs) / 1000)
  if (inGoodput !== null) return inGoodput
  if (
    (interval.low ?? fraction) > fraction * (1 + ROUNDING) ||
    (interval.high ?? fraction) < fraction * (1 - ROUNDING)
  ) {
    return ['goodput.interval', 'must contain the fraction']
  }
  return null
}

const WAITS = ['lagMs', 'queueingMs', 'batchingMs', 'dispatchMs'] as const

/** A contradiction between latency and its parts, which are of the same requests and add up; null if there is none. */
function contradictionOfParts(given: Result): Contradiction | null {
  const { latencyMs, waitMs, serviceMs } = given
  for (const name of ['waitMs', 'serviceMs', ...WAITS] as const) {
    if (given[name].count !== latencyMs.count) return [`${name}.count`, 'must equal the number of latencies']
  }
  if (!isAbout(waitMs.mean + serviceMs.mean, latencyMs.mean)) {
    return ['waitMs.mean', 'must be the mean latency minus the mean service time']
  }
  const parts = WAITS.reduce((sum, name) => sum + given[name].mean, 0)
  return isAbout(parts, waitMs.mean) ? null : ['waitMs.mean', 'must be the sum of lag, queueing, batching and dispatch']
}

/** A contradiction between merged machines and the whole; null if there is none. */
function contradictionOfMachines({ merged, counts, validity }: Result): Contradiction | null {
  if (merged === undefined) return null
  const { machines } = merged
  const sum = (of: (machine: (typeof machines)[number]) => number) => sumBy(machines, of)
  if (
    sum(({ requests }) => requests.offered) !== counts.offered ||
    sum(({ requests }) => requests.completed) !== counts.completed
  ) {
    return ['merged.machines', 'must have as many requests together as the whole result']
  }
  if (validity.valid && machines.some(({ valid }) => !valid)) {
    return ['validity.valid', 'must be false if a machine is invalid']
  }
  return null
}

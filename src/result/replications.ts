import { mergeHistograms } from '../histogram/latency-histogram.js'
import { sum } from '../statistics/descriptive.js'
import { mergeConnections } from './connections.js'
import { mergeFailures } from './failures.js'
import { findingsOf } from './findings.js'
import { mergeFindings } from './merge/findings.js'
import { mergeByMetric, mergeClasses, type RecordedSegment, type Recording, totalOf } from './recording.js'
import { mergeStages } from './stages.js'

/** One of several runs that differ only in their random numbers, as it is sent from thread to thread. */
export interface Replication {
  recording: Recording
  /** requests in the system at its end */
  inSystem: number
}

/**
 * Prepares a recording to be sent. One of several leaves out its segments, so its findings, which need them, are
 * computed first; a single one stays as it is.
 */
export function packReplication(recording: Recording, isSingle: boolean): Replication {
  return {
    recording: isSingle ? recording : { ...recording, segments: [], findings: findingsOf(recording) },
    inSystem: recording.segments.at(-1)?.inSystem ?? 0,
  }
}

/**
 * Merges replications into one recording, as if they had been run one after another: its window is theirs, end to end,
 * and each of its segments is one of them.
 */
export function mergeReplications(replications: readonly Replication[]): Recording {
  const runs = replications.map(({ recording }) => recording)
  const [first] = runs
  if (first === undefined) throw new RangeError('there must be a replication to merge')
  // one that is left of several has no segments
  if (runs.length === 1 && first.segments.length > 0) return first
  return {
    ...mergeInARow(runs, (run, i) => [wholeOf(run, (replications[i] as Replication).inSystem)]),
    findings: mergeFindings(runs.map(({ findings }) => ({ findings }))),
    replications: runs.length,
  }
}

/** Adds up runs as if they had been run one after another, each with these segments. */
export function mergeInARow(
  runs: readonly Recording[],
  segmentsOf: (run: Recording, i: number) => RecordedSegment[],
): Omit<Recording, 'findings'> {
  const [first] = runs as [Recording]
  const segments = endToEnd(runs, segmentsOf)
  const stages = mergeStages(runs, 'replications')
  return {
    ...mergeSums(runs),
    ...(stages !== null && { stages }),
    startNs: first.startNs,
    endNs: segments.at(-1)?.endNs as number,
    inSystemAtStart: first.inSystemAtStart,
    segments,
  }
}

/** A whole run as one segment. */
export function wholeOf(recording: Recording, inSystem: number): RecordedSegment {
  const { startNs, endNs, counts, batchSizes, servingNs, histograms, classes } = recording
  return {
    startNs,
    endNs,
    counts,
    inSystem,
    batches: sum([...batchSizes.values()]),
    batched: sum([...batchSizes].map(([size, batches]) => size * batches)),
    servingNs: servingNs ?? 0,
    histograms,
    ...(classes !== undefined && { classes }),
  }
}

/** Moves the segments of runs in time, so that each run begins when the one before it ended. */
function endToEnd(
  runs: readonly Recording[],
  segmentsOf: (run: Recording, i: number) => RecordedSegment[],
): RecordedSegment[] {
  let endNs = runs[0]?.startNs ?? 0
  return runs.flatMap((run, i) => {
    const shiftNs = endNs - run.startNs
    endNs += run.endNs - run.startNs
    return segmentsOf(run, i).map((segment) => ({
      ...segment,
      startNs: segment.startNs + shiftNs,
      endNs: segment.endNs + shiftNs,
    }))
  })
}

/** What is added up of runs, whether they ran one after another or at the same time. */
export function mergeSums(runs: readonly Recording[]) {
  const [first] = runs as [Recording]
  const sumOf = (of: (run: Recording) => number) => sum(runs.map(of))
  const servingNs = runs.map((run) => run.servingNs)
  const fromSend = runs.map((run) => run.fromSend)
  const failed = runs.flatMap((run) => run.failed ?? [])
  const connections = mergeConnections(runs.map((run) => run.connections))
  const failures = failed.length === 0 ? null : mergeFailures(runs.map((run) => run.failures ?? {}))
  return {
    engine: first.engine,
    scenario: first.scenario,
    // of live results no scenario says it
    ...(first.scenario === null && { servers: first.servers ?? null }),
    good: first.good,
    histograms: mergeByMetric(runs.map(({ histograms }) => histograms)),
    counts: totalOf(runs.map(({ counts }) => counts)),
    ...(first.classes !== undefined && { classes: mergeClasses(runs.map(({ classes = {} }) => classes)) }),
    ...(failures !== null && { failures }),
    ...(failed.length > 0 && { failed: mergeHistograms(failed) }),
    completions: sumOf(({ completions }) => completions),
    batchSizes: mergeSizes(runs.map(({ batchSizes }) => batchSizes)),
    ...(runs.every(({ bytes }) => bytes !== undefined) && {
      bytes: { sent: sumOf(({ bytes }) => bytes?.sent ?? 0), received: sumOf(({ bytes }) => bytes?.received ?? 0) },
    }),
    ...(connections !== undefined && { connections }),
    servingNs: servingNs.every((ns) => ns !== null) ? sum(servingNs) : null,
    inSystemNs: sumOf(({ inSystemNs }) => inSystemNs),
    staysNs: sumOf(({ staysNs }) => staysNs),
    fromSend: fromSend.every((each) => each !== null) ? mergeHistograms(fromSend) : null,
  }
}

/** Adds up tables of batches by size. */
export function mergeSizes(tables: readonly Map<number, number>[]): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const table of tables) for (const [size, count] of table) sizes.set(size, (sizes.get(size) ?? 0) + count)
  return sizes
}

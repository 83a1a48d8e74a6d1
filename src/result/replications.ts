import { mergeHistograms } from '../histogram/latency-histogram.js'
import { sum } from '../statistics/descriptive.js'
import { mergeFailures } from './failures.js'
import { findingsOf } from './findings.js'
import { mergeByMetric, mergeClasses, type Recording, totalOf } from './recording.js'
import type { Finding } from './validity.js'

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
  let endNs = first.startNs
  const segments = replications.map(({ recording, inSystem }) => {
    const startNs = endNs
    endNs += recording.endNs - recording.startNs
    const { counts, batchSizes, servingNs, histograms, classes } = recording
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
  })
  const failed = runs.flatMap((run) => run.failed ?? [])
  const failures = failed.length === 0 ? null : mergeFailures(runs.map((run) => run.failures ?? {}))
  return {
    engine: first.engine,
    scenario: first.scenario,
    startNs: first.startNs,
    endNs,
    histograms: mergeByMetric(runs.map(({ histograms }) => histograms)),
    counts: totalOf(runs.map(({ counts }) => counts)),
    ...(first.classes !== undefined && { classes: mergeClasses(runs.map(({ classes = {} }) => classes)) }),
    ...(failures !== null && { failures }),
    ...(failed.length > 0 && { failed: mergeHistograms(failed) }),
    completions: sum(runs.map(({ completions }) => completions)),
    batchSizes: mergeSizes(runs.map(({ batchSizes }) => batchSizes)),
    servingNs: first.servingNs === null ? null : sum(segments.map(({ servingNs }) => servingNs)),
    inSystemNs: sum(runs.map(({ inSystemNs }) => inSystemNs)),
    staysNs: sum(runs.map(({ staysNs }) => staysNs)),
    inSystemAtStart: first.inSystemAtStart,
    segments,
    fromSend: null,
    findings: mergeFindings(runs.map(({ findings }) => findings)),
    replications: runs.length,
  }
}

/** Adds up tables of batches by size. */
export function mergeSizes(tables: readonly Map<number, number>[]): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const table of tables) for (const [size, count] of table) sizes.set(size, (sizes.get(size) ?? 0) + count)
  return sizes
}

/** Each kind of finding once, as the first replication that has it reports it, with the number of replications. */
function mergeFindings(findings: Finding[][]): Finding[] {
  const codes = new Set(findings.flat().map(({ code }) => code))
  return [...codes].map((code) => {
    const found = findings.flatMap((own) => own.find((finding) => finding.code === code) ?? [])
    const [first] = found as [Finding]
    return {
      ...first,
      message: `in ${found.length} of ${findings.length} replications: ${first.message}`,
      figures: { ...first.figures, replications: found.length },
    }
  })
}

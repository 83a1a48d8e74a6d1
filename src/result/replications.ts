import { type PackedHistogram, packHistogram, unpackHistogram } from '../histogram/packed.js'
import { sum } from '../statistics/descriptive.js'
import { findingsOf } from './findings.js'
import { METRICS, type Metric, newHistograms, type Recording, segmentLatency, totalOf } from './recording.js'
import type { Finding } from './validity.js'

/** One run of several that differ in their random numbers alone, as it goes from thread to thread. */
export interface Replication {
  recording: Omit<Recording, 'histograms'>
  histograms: Record<Metric, PackedHistogram>
  /** requests in the system at its end */
  inSystem: number
}

/**
 * Makes a recording ready to be sent. One of several is judged by itself, for which its segments are needed, and leaves
 * them behind; one alone stays as it is.
 */
export function packed({ histograms, ...recording }: Recording, alone: boolean): Replication {
  return {
    recording: alone ? recording : { ...recording, segments: [], findings: findingsOf({ histograms, ...recording }) },
    histograms: Object.fromEntries(
      METRICS.map((metric) => [metric, packHistogram(histograms[metric])]),
    ) as Replication['histograms'],
    inSystem: recording.segments.at(-1)?.inSystem ?? 0,
  }
}

const unpackedAll = ({ histograms }: Replication): Recording['histograms'] =>
  Object.fromEntries(METRICS.map((metric) => [metric, unpackHistogram(histograms[metric])])) as Recording['histograms']

/**
 * Puts replications together into one recording, as if they had been run one after another: its window is theirs, end
 * to end, and each of its segments is one of them.
 */
export function together(replications: readonly Replication[]): Recording {
  const runs = replications.map(({ recording }) => recording)
  const [first] = runs
  if (first === undefined) throw new RangeError('there must be a replication to put together')
  // one that is left of several has left its segments behind
  if (replications.length === 1 && first.segments.length > 0)
    return { ...first, histograms: unpackedAll(replications[0] as Replication) }
  const histograms = newHistograms()
  const segments: Recording['segments'] = []
  let endNs = first.startNs
  for (const { recording, histograms: own, inSystem } of replications) {
    for (const metric of METRICS) histograms[metric].add(unpackHistogram(own[metric]))
    const startNs = endNs
    endNs += recording.endNs - recording.startNs
    segments.push({
      startNs,
      endNs,
      counts: recording.counts,
      inSystem,
      batches: sum([...recording.batchSizes.values()]),
      batched: sum([...recording.batchSizes].map(([size, batches]) => size * batches)),
      servingNs: recording.servingNs ?? 0,
      latency: segmentLatency(unpackHistogram(own.latency)),
    })
  }
  return {
    engine: first.engine,
    scenario: first.scenario,
    startNs: first.startNs,
    endNs,
    histograms,
    counts: totalOf(runs.map(({ counts }) => counts)),
    completions: sum(runs.map(({ completions }) => completions)),
    batchSizes: sizesOf(runs.map(({ batchSizes }) => batchSizes)),
    servingNs: first.servingNs === null ? null : sum(runs.map(({ servingNs }) => servingNs ?? 0)),
    inSystemNs: sum(runs.map(({ inSystemNs }) => inSystemNs)),
    staysNs: sum(runs.map(({ staysNs }) => staysNs)),
    inSystemAtStart: first.inSystemAtStart,
    segments,
    fromSend: null,
    findings: findingsTogether(runs.map(({ findings }) => findings)),
    replications: replications.map(({ histograms }) => histograms),
  }
}

function sizesOf(tables: Map<number, number>[]): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const table of tables) for (const [size, count] of table) sizes.set(size, (sizes.get(size) ?? 0) + count)
  return sizes
}

/** Each kind of finding once, as the first replication has it that it is found in, with how many those are. */
function findingsTogether(findings: Finding[][]): Finding[] {
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

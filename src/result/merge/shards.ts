import { sumBy } from '../../statistics/descriptive.js'
import { mergeByMetric, mergeClasses, type RecordedSegment, type Recording, totalOf } from '../recording.js'
import { mergeSums } from '../replications.js'

/**
 * Merges recordings of machines that ran at the same time into one, whose window is theirs together: what was offered and
 * completed a second adds up. Their segments are aligned by time.
 */
export function mergeShards(shards: readonly Recording[]): Omit<Recording, 'findings'> {
  const servers = shards.map((shard) => shard.servers ?? null)
  return {
    ...mergeSums(shards),
    servers: servers.every((each) => each !== null) ? sumBy(servers, (each) => each) : null,
    startNs: Math.min(...shards.map(({ startNs }) => startNs)),
    endNs: Math.max(...shards.map(({ endNs }) => endNs)),
    inSystemAtStart: sumBy(shards, ({ inSystemAtStart }) => inSystemAtStart),
    segments: alignSegments(shards),
  }
}

/**
 * Merges the segments of machines by time. At one seed and stop, shards have the same segments. If they do not, since a
 * closed loop or an early end determined them, each joins the segment of the longest list in which its middle lies.
 */
function alignSegments(shards: readonly Recording[]): RecordedSegment[] {
  const [longest] = shards.map(({ segments }) => segments).sort((a, b) => b.length - a.length) as [RecordedSegment[]]
  const startNs = Math.min(...shards.map((shard) => shard.startNs))
  const endNs = Math.max(...shards.map((shard) => shard.endNs))
  const starts = longest.map((segment, k) => (k === 0 ? startNs : segment.startNs))
  const joined: RecordedSegment[][][] = starts.map(() => shards.map(() => []))
  shards.forEach(({ segments }, shard) => {
    for (const segment of segments) {
      const middleNs = (segment.startNs + segment.endNs) / 2
      const k = Math.max(
        0,
        starts.findLastIndex((ns) => ns <= middleNs),
      )
      joined[k]?.[shard]?.push(segment)
    }
  })
  const inSystem = shards.map(() => 0)
  return joined.map((byShard, k) => {
    byShard.forEach((own, shard) => {
      inSystem[shard] = own.at(-1)?.inSystem ?? (inSystem[shard] as number)
    })
    const all = byShard.flat()
    return {
      startNs: starts[k] as number,
      endNs: starts[k + 1] ?? endNs,
      counts: totalOf(all.map(({ counts }) => counts)),
      inSystem: sumBy(inSystem, (each) => each),
      batches: sumBy(all, ({ batches }) => batches),
      batched: sumBy(all, ({ batched }) => batched),
      servingNs: sumBy(all, ({ servingNs }) => servingNs),
      histograms: mergeByMetric(all.map(({ histograms }) => histograms)),
      ...(all[0]?.classes !== undefined && { classes: mergeClasses(all.map(({ classes = {} }) => classes)) }),
    }
  })
}

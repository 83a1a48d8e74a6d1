import { sum, sumBy } from '../../statistics/descriptive.js'
import { type RecordedSegment, type Recording, sumSegments } from '../recording.js'
import { mergeSums } from '../replications.js'
import { mergeStages } from '../stages.js'

/**
 * Merges recordings of machines that ran at the same time into one, whose window is theirs together: what was offered and
 * completed a second adds up. Their segments are aligned by time.
 */
export function mergeShards(shards: readonly Recording[]): Omit<Recording, 'findings'> {
  const servers = shards.map((shard) => shard.servers ?? null)
  // of machines that do not share a stream, each offers all of the scenario's rates
  const streams = shards.filter(({ shard }) => shard === undefined).length || 1
  const stages = mergeStages(shards, 'shards')?.map((stage) => ({
    ...stage,
    from: stage.from * streams,
    to: stage.to * streams,
  }))
  return {
    ...mergeSums(shards),
    ...(stages !== undefined && { stages }),
    servers: servers.every((each) => each !== null) ? sum(servers) : null,
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
      inSystem: sum(inSystem),
      ...sumSegments(all),
    }
  })
}

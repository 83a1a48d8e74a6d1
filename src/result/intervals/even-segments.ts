import { type RecordedSegment, SEGMENTS, sumSegments } from '../recording.js'

/**
 * Merges neighbouring segments into about twenty of about one length, however finely the window was cut: intervals come
 * from the spread between segments that are alike.
 */
export function evenSegments(segments: readonly RecordedSegment[]): RecordedSegment[] {
  const lengthOf = (of: readonly RecordedSegment[]) => (of.at(-1)?.endNs ?? 0) - (of[0]?.startNs ?? 0)
  const aimNs = lengthOf(segments) / SEGMENTS
  const groups: RecordedSegment[][] = []
  let open: RecordedSegment[] = []
  segments.forEach((segment, k) => {
    open.push(segment)
    const longer = lengthOf([...open, segments[k + 1] ?? segment])
    // with one more it would be further from the length it should have
    if (Math.abs(longer - aimNs) < Math.abs(lengthOf(open) - aimNs)) return
    groups.push(open)
    open = []
  })
  const last = groups.at(-1)
  if (last === undefined) return []
  // what is left at the end joins the segment before it
  if (groups.length > 1 && lengthOf(last) < aimNs / 2) groups.splice(-2, 2, groups.slice(-2).flat())
  return groups.map(mergeSegments)
}

/** Merges segments that follow each other. */
export function mergeSegments(segments: readonly RecordedSegment[]): RecordedSegment {
  const [first, last] = [segments[0], segments.at(-1)] as [RecordedSegment, RecordedSegment]
  if (segments.length === 1) return first
  return { startNs: first.startNs, endNs: last.endNs, inSystem: last.inSystem, ...sumSegments(segments) }
}

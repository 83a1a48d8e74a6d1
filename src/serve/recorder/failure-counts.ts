import { type FailureCounts, MOST_KINDS, OTHER_KIND } from '../../result/failures.js'

/** The kind of failures that were recorded without an error. */
const UNKNOWN_KIND = 'unknown'
/** How many kinds get a count of their own, in addition to these two. */
const MOST_KNOWN = MOST_KINDS - 2

/** Counts failures of a kind: as `other` if there are too many kinds. */
export function addFailure(counts: Map<string, number>, kind: string, times = 1): void {
  const known = counts.get(kind)
  if (known !== undefined) counts.set(kind, known + times)
  else if (kind === OTHER_KIND || counts.size - (counts.has(OTHER_KIND) ? 1 : 0) < MOST_KNOWN) counts.set(kind, times)
  else counts.set(OTHER_KIND, (counts.get(OTHER_KIND) ?? 0) + times)
}

/** The failed requests by kind: those that no kind accounts for are of an unknown one. */
export function withUnknown(counts: ReadonlyMap<string, number>, failed: number): FailureCounts {
  const kinds = Object.fromEntries(counts)
  const known = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (failed > known) kinds[UNKNOWN_KIND] = (kinds[UNKNOWN_KIND] ?? 0) + failed - known
  return kinds
}

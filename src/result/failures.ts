/** How many kinds of failure a result counts on their own; the rest are counted as `other`. */
export const MOST_KINDS = 30
/** The kind that all other failures are counted as. */
export const OTHER_KIND = 'other'
const LONGEST_KIND = 80

/** Failed requests by kind, the most frequent first. */
export type FailureCounts = Record<string, number>

/**
 * The kind of a failure: the error's `kind`, its `code` (`ECONNRESET`) or its cause's, or its name (`TypeError`). A value
 * that is no error is of the kind of its type.
 */
export function failureKind(error: unknown): string {
  try {
    return shortKind(kindOf(error))
  } catch {
    // getters and proxies may throw
    return 'Error'
  }
}

function kindOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return `thrown ${error === null ? 'null' : typeof error}`
  const { kind, code, cause, name } = error as Record<'kind' | 'code' | 'cause' | 'name', unknown>
  if (isText(kind)) return kind
  if (isText(code)) return code
  // fetch throws a TypeError, and only its cause says why
  const causeCode = typeof cause === 'object' && cause !== null ? (cause as { code?: unknown }).code : undefined
  if (isText(causeCode)) return causeCode
  if (isText(name) && name !== 'Error') return name
  // gRPC has numbers; so has a DOMException, which its name says better
  return typeof code === 'number' ? `code ${code}` : 'Error'
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

/** A kind of a bounded length, on one line, so that many of them stay small and can be shown. */
function shortKind(kind: string): string {
  const line = kind
    .slice(0, 2 * LONGEST_KIND)
    .replace(/\s+/g, ' ')
    .trim()
  return line.length <= LONGEST_KIND ? line : `${line.slice(0, LONGEST_KIND - 1)}…`
}

/** The kinds and their counts, the most frequent first; `other` is the last. Keys that are numbers are in no order of an object. */
export const sortFailures = (failures: FailureCounts): [kind: string, count: number][] =>
  Object.entries(failures).sort(([a, m], [b, n]) => {
    if ((a === OTHER_KIND) !== (b === OTHER_KIND)) return a === OTHER_KIND ? 1 : -1
    // of two that are as frequent, by name, so that the order does not depend on which thread was first
    return n - m || (a < b ? -1 : 1)
  })

/** Adds up failures by kind. Beyond the most frequent kinds, they are counted as `other`. */
export function mergeFailures(all: readonly FailureCounts[]): FailureCounts {
  const total = new Map<string, number>()
  for (const counts of all) {
    for (const [kind, count] of Object.entries(counts)) total.set(kind, (total.get(kind) ?? 0) + count)
  }
  let others = total.get(OTHER_KIND) ?? 0
  total.delete(OTHER_KIND)
  const ordered = sortFailures(Object.fromEntries([...total].filter(([, count]) => count > 0)))
  const room = others > 0 || ordered.length > MOST_KINDS ? MOST_KINDS - 1 : MOST_KINDS
  for (const [, count] of ordered.slice(room)) others += count
  return Object.fromEntries([...ordered.slice(0, room), ...(others > 0 ? [[OTHER_KIND, others] as const] : [])])
}

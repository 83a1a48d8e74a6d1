import type { ComparedMetric, MetricComparison } from '../budget/comparison/comparison.js'
import { HISTORY_SCHEMA, type HistoryEntry } from '../budget/comparison/history-entry.js'
import type { GateReport } from '../gate/gate-report.js'

/**
 * Builds the entries of a gate: the medians of head over its rounds. A head with uncommitted files has no commit.
 */
export function buildGateEntries(
  { scenarios, head }: GateReport,
  { commit, at }: { commit: string | undefined; at: string },
): HistoryEntry[] {
  const of = commit ?? (head.changes === 0 ? head.commit : null)
  return scenarios.flatMap(({ name, comparison }) => {
    if (comparison === null) return []
    const { engine, metrics } = comparison
    const figureOf = (metric: ComparedMetric) =>
      (metrics.find((each) => each.metric === metric) as MetricComparison).head
    const goodput = metrics.find(({ metric }) => metric === 'goodput')?.head ?? null
    return [
      {
        schema: HISTORY_SCHEMA,
        ...{ name, commit: of, at, engine, valid: true, intervals: {} },
        figures: {
          mean: figureOf('mean'),
          p50: figureOf('p50'),
          p90: figureOf('p90'),
          p95: figureOf('p95'),
          p99: figureOf('p99'),
          'service.mean': figureOf('service.mean'),
          throughput: figureOf('throughput') ?? 0,
          errorRate: figureOf('errorRate') ?? 0,
          ...(goodput !== null && { goodput }),
        },
        ...comparison.head,
      },
    ]
  })
}

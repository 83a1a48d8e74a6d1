import type { BucketCounts } from '../../histogram/latency-histogram.js'
import { noCounts } from '../../result/recording.js'
import type { Result } from '../../result/result.js'
import { decodeSummary, type Summary } from '../../result/summary.js'
import { sumBy } from '../../statistics/descriptive.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import { boundsByBucket, EXPORTED, type TotalDurations, type Totals } from '../recorder/totals.js'
import type { MetricSource } from './recorders.js'

/**
 * Creates the metrics of a run in progress, for the same exporters as those of a recorder: `openTelemetryProducer`,
 * `registerOpenTelemetry`, `prometheusText` and `registerPrometheus`. They are of the requests due in the window that have
 * been answered; before there are any, all counts are 0. Reading a Result takes a few milliseconds of this thread.
 *
 * @param latest returns the newest Result of the run; null if there is none yet
 * @param options `name` is the name of the run in metrics, `'default'` if it is omitted
 * @throws ValidationError if `latest` is not a function
 * @example
 * import {
 *   AggregationTemporality,
 *   InMemoryMetricExporter,
 *   MeterProvider,
 *   PeriodicExportingMetricReader,
 * } from '@opentelemetry/sdk-metrics'
 * import { measure, openTelemetryProducer, type Result, resultMetrics } from 'throughline'
 *
 * let latest: Result | null = null
 * const metrics = resultMetrics(() => latest, { name: 'checkout' })
 * const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
 * const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [openTelemetryProducer(metrics)] })
 * const provider = new MeterProvider({ readers: [reader] })
 * latest = await measure(
 *   { arrivals: '200/s', call: async () => {}, stop: { duration: '500ms' } },
 *   { onProgress: ({ resultSoFar }) => void resultSoFar().then((result) => (latest = result ?? latest)) },
 * )
 * await provider.shutdown() // exports the last figures
 */
export function resultMetrics(
  latest: () => Result | null,
  { name = 'default' }: { name?: string | undefined } = {},
): MetricSource {
  if (typeof latest !== 'function') {
    throw new ValidationError('latest', `must be a function that returns a result or null, got ${show(latest)}`)
  }
  return { name, totals: (boundsMs = []) => totalsOfResult(latest(), boundsMs) }
}

function totalsOfResult(result: Result | null, boundsMs: readonly number[]): Totals {
  const boundOf = boundsByBucket(boundsMs)
  const durationsOf = (summary: Summary | null): TotalDurations =>
    summary === null
      ? { count: 0, sumMs: 0, atMost: boundsMs.map(() => 0) }
      : {
          count: summary.count,
          sumMs: summary.count * summary.mean,
          atMost: countAtMost(decodeSummary(summary), boundOf, boundsMs.length),
        }
  const { unfinished: _, ...counts } = result?.counts ?? noCounts()
  const durations = EXPORTED.map((metric) => [metric, durationsOf(result?.[`${metric}Ms`] ?? null)])
  const sizes = Object.entries(result?.batches.sizes ?? {})
  const classes = Object.entries(result?.classes ?? {}).map(([name, { counts, latencyMs }]) => {
    const { offered: _offered, unfinished: _unfinished, ...outcomes } = counts
    return [name, { ...outcomes, latency: durationsOf(latencyMs) }] as const
  })
  return {
    startMs: result?.window.startMs ?? 0,
    ...counts,
    inFlight: inFlightIn(result),
    batches: result?.batches.count ?? 0,
    batched: sumBy(sizes, ([size, batches]) => Number(size) * batches),
    servingMs: sumBy(result?.segments ?? [], ({ servingMs }) => servingMs),
    durations: Object.fromEntries(durations) as Totals['durations'],
    failures: result?.failures ?? {},
    ...(classes.length > 0 && { classes: Object.fromEntries(classes) }),
  }
}

/** Counts the durations that are at most each bound. */
function countAtMost({ buckets, counts }: BucketCounts, boundOf: Uint16Array, bounds: number): number[] {
  const atMost = new Array<number>(bounds).fill(0)
  for (let i = 0; i < buckets.length; i++) {
    const bound = boundOf[buckets[i] as number] as number
    if (bound < bounds) atMost[bound] = (atMost[bound] as number) + (counts[i] as number)
  }
  for (let i = 1; i < bounds; i++) atMost[i] = (atMost[i] as number) + (atMost[i - 1] as number)
  return atMost
}

/** Requests in flight are in no figure of a Result but in this finding, until the run is over. */
function inFlightIn(result: Result | null): number {
  const finding = result?.validity.findings.find(({ code }) => code === 'in-progress')
  return finding?.figures.inFlight ?? 0
}

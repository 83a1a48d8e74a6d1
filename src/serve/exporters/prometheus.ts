import { sortFailures } from '../../result/failures.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import { EXPORTED, type Totals } from '../recorder/totals.js'
import {
  byClass,
  DURATIONS,
  type ExportOptions,
  latenciesOf,
  type MetricSource,
  OUTCOMES,
  type Recorders,
  resolveExport,
  toSeconds,
} from './recorders.js'

/** A metrics registry with the interface of prom-client's. */
export interface PrometheusRegistry {
  // biome-ignore lint/suspicious/noExplicitAny: each registry has a class of its own for it
  registerMetric(metric: any): void
  /** undefined if there is no metric of this name */
  getSingleMetric?(name: string): unknown
}

/** One line of the output. */
interface Sample {
  metricName: string
  labels: Record<string, string>
  value: number
}

/** A metric with all its samples. */
interface Family {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  /** the labels that its samples may have in addition to the recorder's name */
  labels: readonly string[]
  /** false if a recorder never has a sample of it */
  isOf?(totals: Totals): boolean
  samples(totals: Totals, labels: Record<string, string>, boundsMs: readonly number[]): Sample[]
}

const one = (type: 'counter' | 'gauge', name: string, help: string, value: (totals: Totals) => number): Family => ({
  ...{ name, help, type, labels: [] },
  samples: (totals, labels) => [{ metricName: name, labels, value: value(totals) }],
})

const REQUESTS = 'throughline_requests_total'
const GOOD = 'throughline_good_requests_total'
const FAILURES = 'throughline_failures_total'

const FAMILIES: readonly Family[] = [
  {
    name: REQUESTS,
    help: 'Requests by outcome',
    type: 'counter',
    labels: ['class', 'outcome'],
    samples: (totals, labels) =>
      byClass<Pick<Totals, (typeof OUTCOMES)[number][1]>>(totals, totals.classes).flatMap(([label, counts]) =>
        OUTCOMES.map(([outcome, key]) => ({
          metricName: REQUESTS,
          labels: { ...labels, ...label, outcome },
          value: counts[key],
        })),
      ),
  },
  {
    name: GOOD,
    help: 'Completed requests that met all limits of good',
    type: 'counter',
    labels: ['class'],
    isOf: ({ good }) => good !== undefined,
    samples: (totals, labels) =>
      byClass<Pick<Totals, 'good'>>(totals, totals.classes).flatMap(([label, { good }]) =>
        good === undefined ? [] : [{ metricName: GOOD, labels: { ...labels, ...label }, value: good }],
      ),
  },
  {
    name: FAILURES,
    help: 'Failed requests by kind of failure',
    type: 'counter',
    labels: ['kind'],
    samples: ({ failures }, labels) =>
      sortFailures(failures).map(([kind, value]) => ({ metricName: FAILURES, labels: { ...labels, kind }, value })),
  },
  one('gauge', 'throughline_requests_in_flight', 'Requests in flight', ({ inFlight }) => inFlight),
  one('counter', 'throughline_batches_total', 'Batches served', ({ batches }) => batches),
  one('counter', 'throughline_batched_requests_total', 'Requests in the batches served', ({ batched }) => batched),
  one('counter', 'throughline_serving_seconds_total', 'Server time spent serving', ({ servingMs }) =>
    toSeconds(servingMs),
  ),
  ...EXPORTED.map((metric): Family => {
    const name = `throughline_${metric}_seconds`
    return {
      name,
      help: DURATIONS[metric],
      type: 'histogram',
      labels: metric === 'latency' ? ['class', 'le'] : ['le'],
      samples({ durations, classes }, labels, boundsMs) {
        // the other times are recorded of all requests together
        const latencies = metric === 'latency' ? latenciesOf(classes) : undefined
        return byClass(durations[metric], latencies).flatMap(([label, { count, sumMs, atMost }]) => {
          const own = { ...labels, ...label }
          const bucket = (le: string, value: number) => ({
            metricName: `${name}_bucket`,
            labels: { ...own, le },
            value,
          })
          return [
            ...boundsMs.map((ms, i) => bucket(String(toSeconds(ms)), atMost[i] as number)),
            bucket('+Inf', count),
            { metricName: `${name}_sum`, labels: own, value: toSeconds(sumMs) },
            { metricName: `${name}_count`, labels: own, value: count },
          ]
        })
      },
    }
  }),
]

/** The metrics that any recorder has samples of, now or later. */
const familiesOf = (read: readonly [MetricSource, Totals][]) =>
  FAMILIES.filter(({ isOf }) => isOf === undefined || read.some(([, totals]) => isOf(totals)))

function samplesOf(family: Family, read: readonly [MetricSource, Totals][], boundsMs: readonly number[]): Sample[] {
  return read.flatMap(([{ name }, totals]) => family.samples(totals, { name }, boundsMs))
}

/**
 * Returns the counts of recorders in the Prometheus text format 0.0.4: requests by outcome, good requests of recorders with
 * `good`, failures by kind, requests in flight, batches, and histograms of latency, wait, service, queueing, batching and
 * dispatch in seconds. Requests, good requests and latency of recorders with `classes` have the label `class`. Respond with `text/plain; version=0.0.4; charset=utf-8`.
 *
 * @throws ValidationError if two recorders have the same name, or the bounds are not in ascending order
 *
 * @example
 * import { createServer } from 'node:http'
 * import { createRecorder, prometheusText } from 'throughline/serve'
 *
 * const recorder = createRecorder({ name: 'infer' })
 * const metrics = createServer((_request, response) => {
 *   response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8')
 *   response.end(prometheusText(recorder, { bounds: ['1ms', '10ms', '100ms'] }))
 * })
 */
export function prometheusText(given: Recorders, options: ExportOptions = {}): string {
  const { recorders, boundsMs } = resolveExport(given, options)
  const read = recorders.map((recorder): [MetricSource, Totals] => [recorder, recorder.totals(boundsMs)])
  const families = familiesOf(read).map((family) => {
    const { name, help, type } = family
    const lines = samplesOf(family, read, boundsMs).map(({ metricName, labels, value }) => {
      const written = Object.entries(labels).map(
        ([label, text]) => `${label}="${escapeLabel(text).replaceAll('"', '\\"')}"`,
      )
      return `${metricName}{${written.join(',')}} ${value}`
    })
    return [`# HELP ${name} ${escapeLabel(help)}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
  })
  return `${families.join('\n\n')}\n`
}

const escapeLabel = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

/**
 * Registers the metrics of `prometheusText` with a registry of prom-client, or one with the same interface. The registry
 * reads the counts when it is asked for its metrics, so that recording costs no more. It takes the metrics once: register
 * all recorders together.
 *
 * @throws ValidationError if two recorders have the same name, the bounds are not in ascending order, or the registry
 * already has a metric of the same name; nothing is added then
 *
 * @example
 * import { Registry } from 'prom-client'
 * import { createRecorder, registerPrometheus } from 'throughline/serve'
 *
 * const registry = new Registry()
 * registerPrometheus(registry, [createRecorder({ name: 'infer' }), createRecorder({ name: 'embed' })])
 * console.log(await registry.metrics())
 */
export function registerPrometheus(registry: PrometheusRegistry, given: Recorders, options: ExportOptions = {}): void {
  const { recorders, boundsMs } = resolveExport(given, options)
  let read: [MetricSource, Totals][] | null = null
  // a registry asks for all metrics at once: all show the same instant
  const totals = () => {
    if (read === null) {
      queueMicrotask(() => {
        read = null
      })
      read = recorders.map((recorder) => [recorder, recorder.totals(boundsMs)])
    }
    return read
  }
  const families = familiesOf(totals())
  checkRegistry(registry, families)
  for (const family of families) {
    const { name, help, type, labels } = family
    registry.registerMetric({
      ...{ name, help, type, labelNames: ['name', ...labels] },
      aggregator: 'sum',
      async get() {
        // an OpenMetrics registry removes `_total` from the name
        return { ...{ name: this.name, help, type }, aggregator: 'sum', values: valuesOf(this.name) }
      },
      // counts of live requests are never reset
      reset() {},
    })
    function valuesOf(called: string): Sample[] {
      const samples = samplesOf(family, totals(), boundsMs)
      return type === 'counter' ? samples.map((sample) => ({ ...sample, metricName: called })) : samples
    }
  }
}

function checkRegistry(registry: PrometheusRegistry, families: readonly Family[]): void {
  if (typeof registry?.registerMetric !== 'function') {
    throw new ValidationError('registry', `must be a registry with a registerMetric method, got ${show(registry)}`)
  }
  const taken = families.find(({ name }) => registry.getSingleMetric?.(name) !== undefined)
  if (taken !== undefined) {
    throw new ValidationError(
      'registry',
      `already has a metric called '${taken.name}'; register all recorders together, in one call`,
    )
  }
}

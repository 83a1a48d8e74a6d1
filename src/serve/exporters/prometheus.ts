import { show, ValidationError } from '../../validation/validation-error.js'
import type { Recorder } from '../recorder/recorder.js'
import { EXPORTED, type Totals } from '../recorder/totals.js'
import { DURATIONS, type ExportOptions, exported, OUTCOMES, type Recorders, seconds } from './recorders.js'

/** A registry of prom-client's shape. */
export interface PrometheusRegistry {
  // biome-ignore lint/suspicious/noExplicitAny: each registry has a class of its own for it
  registerMetric(metric: any): void
  /** undefined where there is none of this name */
  getSingleMetric?(name: string): unknown
}

/** One line of a metric. */
interface Sample {
  metricName: string
  labels: Record<string, string>
  value: number
}

interface Family {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  samples(totals: Totals, labels: Record<string, string>, boundsMs: readonly number[]): Sample[]
}

const one = (type: 'counter' | 'gauge', name: string, help: string, value: (totals: Totals) => number): Family => ({
  ...{ name, help, type },
  samples: (totals, labels) => [{ metricName: name, labels, value: value(totals) }],
})

const FAMILIES: readonly Family[] = [
  {
    name: 'throughline_requests_total',
    help: 'Requests by what became of them',
    type: 'counter',
    samples: (totals, labels) =>
      OUTCOMES.map(([outcome, key]) => ({
        metricName: 'throughline_requests_total',
        labels: { ...labels, outcome },
        value: totals[key],
      })),
  },
  one('gauge', 'throughline_requests_in_flight', 'Requests under way', ({ inFlight }) => inFlight),
  one('counter', 'throughline_batches_total', 'Batches served', ({ batches }) => batches),
  one('counter', 'throughline_batched_requests_total', 'Requests in the batches served', ({ batched }) => batched),
  one('counter', 'throughline_serving_seconds_total', 'Server time spent serving', ({ servingMs }) =>
    seconds(servingMs),
  ),
  ...EXPORTED.map((metric): Family => {
    const name = `throughline_${metric}_seconds`
    return {
      name,
      help: DURATIONS[metric],
      type: 'histogram',
      samples(totals, labels, boundsMs) {
        const { count, sumMs, atMost } = totals.durations[metric]
        const bucket = (le: string, value: number) => ({
          metricName: `${name}_bucket`,
          labels: { ...labels, le },
          value,
        })
        return [
          ...boundsMs.map((ms, i) => bucket(String(seconds(ms)), atMost[i] as number)),
          bucket('+Inf', count),
          { metricName: `${name}_sum`, labels, value: seconds(sumMs) },
          { metricName: `${name}_count`, labels, value: count },
        ]
      },
    }
  }),
]

function samplesOf(family: Family, read: readonly [Recorder, Totals][], boundsMs: readonly number[]): Sample[] {
  return read.flatMap(([{ name }, totals]) => family.samples(totals, { name }, boundsMs))
}

/**
 * What recorders have counted, in Prometheus' text format 0.0.4: requests by outcome, those in flight, batches, and
 * histograms of latency, wait, service, queueing, batching and dispatch in seconds. Serve it as
 * `text/plain; version=0.0.4; charset=utf-8`.
 *
 * @throws ValidationError if two recorders have one name, or the bounds do not rise
 */
export function prometheusText(given: Recorders, options: ExportOptions = {}): string {
  const { recorders, boundsMs } = exported(given, options)
  const read = recorders.map((recorder): [Recorder, Totals] => [recorder, recorder.totals(boundsMs)])
  const families = FAMILIES.map((family) => {
    const { name, help, type } = family
    const lines = samplesOf(family, read, boundsMs).map(({ metricName, labels, value }) => {
      const written = Object.entries(labels).map(
        ([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`,
      )
      return `${metricName}{${written.join(',')}} ${value}`
    })
    return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
  })
  return `${families.join('\n\n')}\n`
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

/**
 * Adds what recorders count to a registry of prom-client's shape, which reads it when it is asked for its metrics:
 * recording costs no more for it. A registry takes them once: give it all recorders together.
 *
 * @throws ValidationError if two recorders have one name, the bounds do not rise, or the registry has a metric of one
 * of the names already; nothing is added then
 */
export function registerPrometheus(registry: PrometheusRegistry, given: Recorders, options: ExportOptions = {}): void {
  const { recorders, boundsMs } = exported(given, options)
  let read: [Recorder, Totals][] | null = null
  // a registry asks for all metrics at once: they are of one moment
  const totals = () => {
    if (read === null) {
      queueMicrotask(() => {
        read = null
      })
      read = recorders.map((recorder) => [recorder, recorder.totals(boundsMs)])
    }
    return read
  }
  totals()
  checkRegistry(registry)
  for (const family of FAMILIES) {
    const { name, help, type } = family
    const labelNames =
      type === 'histogram' ? ['name', 'le'] : family.name === FAMILIES[0]?.name ? ['name', 'outcome'] : ['name']
    registry.registerMetric({
      ...{ name, help, type, labelNames },
      aggregator: 'sum',
      async get() {
        // a registry of OpenMetrics takes `_total` off the name
        return { ...{ name: this.name, help, type }, aggregator: 'sum', values: valuesOf(this.name) }
      },
      // counts of live requests are never set back
      reset() {},
    })
    function valuesOf(called: string): Sample[] {
      const samples = samplesOf(family, totals(), boundsMs)
      return type === 'counter' ? samples.map((sample) => ({ ...sample, metricName: called })) : samples
    }
  }
}

function checkRegistry(registry: PrometheusRegistry): void {
  if (typeof registry?.registerMetric !== 'function') {
    throw new ValidationError('registry', `must be a registry, with registerMetric, got ${show(registry)}`)
  }
  const taken = FAMILIES.find(({ name }) => registry.getSingleMetric?.(name) !== undefined)
  if (taken !== undefined) {
    throw new ValidationError(
      'registry',
      `has a metric called '${taken.name}' already; it takes those of throughline once: give it all recorders together`,
    )
  }
}

import { sortFailures } from '../../result/failures.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import { EXPORTED, type TotalDurations, type Totals } from '../recorder/totals.js'
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

/** A time of OpenTelemetry: seconds since 1970, and nanoseconds. */
type HrTime = [number, number]
/** The values of OpenTelemetry's enums. */
export const HISTOGRAM = 0
const GAUGE = 2
export const SUM = 3
const CUMULATIVE = 1
export const INT = 0
const DOUBLE = 1

interface Descriptor {
  name: string
  description: string
  unit: string
  valueType: typeof INT | typeof DOUBLE
}
interface Point<Value> {
  startTime: HrTime
  endTime: HrTime
  attributes: Record<string, string>
  value: Value
}
interface Buckets {
  buckets: { boundaries: number[]; counts: number[] }
  sum: number
  count: number
}
type Metric = { descriptor: Descriptor; aggregationTemporality: typeof CUMULATIVE } & (
  | { dataPointType: typeof SUM; dataPoints: Point<number>[]; isMonotonic: boolean }
  | { dataPointType: typeof GAUGE; dataPoints: Point<number>[] }
  | { dataPointType: typeof HISTOGRAM; dataPoints: Point<Buckets>[] }
)

/** A metric producer for a reader of `@opentelemetry/sdk-metrics`: one of its `metricProducers`. */
export interface OpenTelemetryProducer {
  collect(): Promise<{
    resourceMetrics: {
      // biome-ignore lint/suspicious/noExplicitAny: the reader has a resource of its own, and ignores this one
      resource: any
      scopeMetrics: { scope: { name: string }; metrics: Metric[] }[]
    }
    errors: unknown[]
  }>
}

type Values = [value: number, attributes?: Record<string, string>][]

interface Counter {
  descriptor: Descriptor
  /** false if a recorder never has a value of it */
  isOf?(totals: Totals): boolean
  values(totals: Totals): Values
}

const COUNTERS: readonly Counter[] = [
  {
    descriptor: count('throughline.requests', 'Requests by outcome', '{request}'),
    values: (totals) =>
      byClass<Pick<Totals, (typeof OUTCOMES)[number][1]>>(totals, totals.classes).flatMap(([label, counts]) =>
        OUTCOMES.map(([outcome, key]): Values[number] => [counts[key], { ...label, outcome }]),
      ),
  },
  {
    descriptor: count('throughline.good', 'Completed requests that met all limits of good', '{request}'),
    isOf: ({ good }) => good !== undefined,
    values: (totals) =>
      byClass<Pick<Totals, 'good'>>(totals, totals.classes).flatMap(([label, { good }]) =>
        good === undefined ? [] : [[good, label]],
      ),
  },
  {
    descriptor: count('throughline.failures', 'Failed requests by kind of failure', '{request}'),
    values: ({ failures }) => sortFailures(failures).map(([kind, requests]) => [requests, { kind }]),
  },
  { descriptor: count('throughline.batches', 'Batches served', '{batch}'), values: ({ batches }) => [[batches]] },
  {
    descriptor: count('throughline.batched', 'Requests in the batches served', '{request}'),
    values: ({ batched }) => [[batched]],
  },
  {
    descriptor: { ...count('throughline.serving', 'Server time spent serving', 's'), valueType: DOUBLE },
    values: ({ servingMs }) => [[toSeconds(servingMs)]],
  },
]
const IN_FLIGHT = count('throughline.in_flight', 'Requests in flight', '{request}')

function count(name: string, description: string, unit: string): Descriptor {
  return { name, description, unit, valueType: INT }
}

/**
 * Creates a metric producer of the counts of recorders, for the `metricProducers` of an OpenTelemetry metric reader. It has
 * requests by outcome, good requests of recorders with `good`, failures by kind, requests in flight, batches, and histograms of
 * latency, wait, service, queueing, batching and dispatch in seconds, all cumulative. Requests, good requests and latency of
 * recorders with `classes` have the attribute `class`. The reader collects them when it exports, so that recording costs no more; a
 * histogram instrument would cost hundreds of nanoseconds a request.
 *
 * @throws ValidationError if two recorders have the same name, or the bounds are not in ascending order
 *
 * @example
 * import {
 *   AggregationTemporality,
 *   InMemoryMetricExporter,
 *   MeterProvider,
 *   PeriodicExportingMetricReader,
 * } from '@opentelemetry/sdk-metrics'
 * import { createRecorder, openTelemetryProducer } from 'throughline/serve'
 *
 * const recorder = createRecorder({ name: 'infer' })
 * const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
 * const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [openTelemetryProducer(recorder)] })
 * const provider = new MeterProvider({ readers: [reader] })
 * await provider.shutdown()
 */
export function openTelemetryProducer(given: Recorders, options: ExportOptions = {}): OpenTelemetryProducer {
  const { recorders, boundsMs } = resolveExport(given, options)
  for (const recorder of recorders) recorder.totals(boundsMs)
  const startTime = hrTime()
  return {
    async collect() {
      const read = recorders.map((recorder): [MetricSource, Totals] => [recorder, recorder.totals(boundsMs)])
      const endTime = hrTime()
      const point = <Value>(name: string, value: Value, attributes: Record<string, string> = {}): Point<Value> => ({
        ...{ startTime, endTime, value },
        attributes: { 'throughline.recorder': name, ...attributes },
      })
      const sums = COUNTERS.flatMap(({ descriptor, values }): Metric[] => {
        const dataPoints = read.flatMap(([{ name }, totals]) =>
          values(totals).map(([value, attributes]) => point(name, value, attributes)),
        )
        if (dataPoints.length === 0) return []
        return [{ descriptor, aggregationTemporality: CUMULATIVE, dataPointType: SUM, dataPoints, isMonotonic: true }]
      })
      const inFlight: Metric = {
        descriptor: IN_FLIGHT,
        aggregationTemporality: CUMULATIVE,
        dataPointType: GAUGE,
        dataPoints: read.map(([{ name }, totals]) => point(name, totals.inFlight)),
      }
      const histograms = EXPORTED.map(
        (metric): Metric => ({
          descriptor: {
            name: `throughline.${metric}`,
            description: DURATIONS[metric],
            unit: 's',
            valueType: DOUBLE,
          },
          aggregationTemporality: CUMULATIVE,
          dataPointType: HISTOGRAM,
          dataPoints: read.flatMap(([{ name }, { durations, classes }]) =>
            // the other times are recorded of all requests together
            byClass(durations[metric], metric === 'latency' ? latenciesOf(classes) : undefined).map(([label, each]) =>
              point(name, bucketsOf(each, boundsMs), label),
            ),
          ),
        }),
      )
      return {
        resourceMetrics: {
          resource: { attributes: {} },
          scopeMetrics: [{ scope: { name: 'throughline' }, metrics: [...sums, inFlight, ...histograms] }],
        },
        errors: [],
      }
    },
  }
}

function bucketsOf({ count, sumMs, atMost }: TotalDurations, boundsMs: readonly number[]): Buckets {
  const counts = [...atMost, count].map((upTo, i) => upTo - (atMost[i - 1] ?? 0))
  return { buckets: { boundaries: boundsMs.map(toSeconds), counts }, sum: toSeconds(sumMs), count }
}

function hrTime(): HrTime {
  const ms = Date.now()
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000]
}

/** The part of a meter of `@opentelemetry/api` that `registerOpenTelemetry` uses. */
export interface OpenTelemetryMeter {
  // biome-ignore lint/suspicious/noExplicitAny: instruments are the meter's own
  createObservableCounter(name: string, options?: { description?: string; unit?: string }): any
  // biome-ignore lint/suspicious/noExplicitAny: instruments are the meter's own
  createObservableGauge(name: string, options?: { description?: string; unit?: string }): any
  // biome-ignore lint/suspicious/noExplicitAny: the callback's parameter is the API's own
  addBatchObservableCallback(callback: (result: any) => void, observables: any[]): void
}

/**
 * Registers the counts of recorders as observable instruments of an OpenTelemetry meter, for a service whose readers are set
 * up elsewhere: requests by outcome and class, good requests, failures by kind, requests in flight, batches and serving time. The API has no observable histogram;
 * `openTelemetryProducer` exports histograms.
 *
 * @throws ValidationError if two recorders have the same name
 *
 * @example
 * import { metrics } from '@opentelemetry/api'
 * import { createRecorder, registerOpenTelemetry } from 'throughline/serve'
 *
 * registerOpenTelemetry(metrics.getMeter('my-service'), createRecorder({ name: 'infer' }))
 */
export function registerOpenTelemetry(meter: OpenTelemetryMeter, given: Recorders): void {
  const { recorders } = resolveExport(given, {})
  if (typeof meter?.createObservableCounter !== 'function') {
    throw new ValidationError('meter', `must be an OpenTelemetry meter, got ${show(meter)}`)
  }
  const read = recorders.map((recorder) => recorder.totals())
  const used = COUNTERS.filter(({ isOf }) => isOf === undefined || read.some((totals) => isOf(totals)))
  const counters = used.map(({ descriptor: { name, description, unit }, values }) => ({
    instrument: meter.createObservableCounter(name, { description, unit }),
    values,
  }))
  const { name, description, unit } = IN_FLIGHT
  const inFlight = meter.createObservableGauge(name, { description, unit })
  meter.addBatchObservableCallback(
    (result) => {
      for (const recorder of recorders) {
        const totals = recorder.totals()
        const named = { 'throughline.recorder': recorder.name }
        result.observe(inFlight, totals.inFlight, named)
        for (const { instrument, values } of counters) {
          for (const [value, attributes] of values(totals))
            result.observe(instrument, value, { ...named, ...attributes })
        }
      }
    },
    [inFlight, ...counters.map(({ instrument }) => instrument)],
  )
}

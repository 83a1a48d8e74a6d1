import { HISTOGRAM, INT, type OpenTelemetryProducer, SUM } from '../../serve/exporters/open-telemetry.js'

type Collected = Awaited<ReturnType<OpenTelemetryProducer['collect']>>
type Metric = Collected['resourceMetrics']['scopeMetrics'][number]['metrics'][number]
type Point = Metric['dataPoints'][number]

/** The number of cumulative metrics in OTLP, which is not that of the SDK. */
const CUMULATIVE = 2

/**
 * Renders metrics as OTLP in JSON, which OpenTelemetry collectors take over HTTP. JSON has 64-bit integers as text.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function otlpJson({ resourceMetrics: { scopeMetrics } }: Collected, resource: Record<string, string>): string {
  return JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(encodeMetric) })),
      },
    ],
  })
}

function encodeMetric(metric: Metric): object {
  const { name, description, unit, valueType } = metric.descriptor
  const named = { name, description, unit }
  if (metric.dataPointType === HISTOGRAM) {
    const dataPoints = metric.dataPoints.map(({ value: { count, sum, buckets }, ...point }) => ({
      ...encodePoint(point),
      ...{ count: String(count), sum },
      ...{ bucketCounts: buckets.counts.map(String), explicitBounds: buckets.boundaries },
    }))
    return { ...named, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } }
  }
  const dataPoints = metric.dataPoints.map(({ value, ...point }) => ({
    ...encodePoint(point),
    ...(valueType === INT ? { asInt: String(value) } : { asDouble: value }),
  }))
  if (metric.dataPointType !== SUM) return { ...named, gauge: { dataPoints } }
  return { ...named, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: metric.isMonotonic, dataPoints } }
}

const encodePoint = ({ startTime, endTime, attributes }: Omit<Point, 'value'>) => ({
  attributes: attributesOf(attributes),
  startTimeUnixNano: nanoseconds(startTime),
  timeUnixNano: nanoseconds(endTime),
})

const attributesOf = (attributes: Record<string, string>) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))

const nanoseconds = ([s, ns]: readonly [number, number]) => `${s}${String(ns).padStart(9, '0')}`

/** Why a collector that answered rejected some of the metrics; null if it took all. */
export function rejectedIn(answer: string): string | null {
  try {
    const { partialSuccess } = JSON.parse(answer) as {
      partialSuccess?: { rejectedDataPoints?: string | number; errorMessage?: string }
    }
    const rejected = Number(partialSuccess?.rejectedDataPoints ?? 0)
    return rejected > 0 ? `${rejected} data points were rejected: ${partialSuccess?.errorMessage ?? 'no reason'}` : null
  } catch {
    // some answer with no body
    return null
  }
}

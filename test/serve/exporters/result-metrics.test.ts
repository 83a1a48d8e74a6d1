import { type DataPoint, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { Registry } from 'prom-client'
import {
  mergeResults,
  openTelemetryProducer,
  prometheusText,
  type Result,
  registerPrometheus,
  replay,
  resultMetrics,
  simulate,
} from 'throughline'
import { describe, expect, it } from 'vitest'

class Reader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}
}

/** Latencies of 10, 15, 25 and 20 ms: one server of 10 ms, and requests due at 0, 5, 5 and 20 ms. */
const result = simulate({
  arrivals: replay([0, 5, 5, 20]),
  service: '10ms',
  good: { latency: '15ms' },
  warmup: { requests: 0 },
})
const bounds = ['10ms', '16ms', '22ms', '30ms']

const inProgress = (of: Result, inFlight: number): Result => ({
  ...of,
  validity: {
    valid: true,
    findings: [{ code: 'in-progress', severity: 'info', message: '', figures: { inFlight, oldestMs: 3 } }],
  },
})

describe('the metrics of a run', () => {
  it('are those of its newest result, and zeros before there is one', () => {
    let latest: Result | null = null
    const metrics = resultMetrics(() => latest, { name: 'checkout' })
    const before = prometheusText(metrics, { bounds })
    expect(before).toContain('throughline_requests_total{name="checkout",outcome="completed"} 0\n')
    expect(before).toContain('throughline_latency_seconds_bucket{name="checkout",le="+Inf"} 0\n')

    latest = inProgress(result, 2)
    const lines = prometheusText(metrics, { bounds }).split('\n')
    const sampleOf = (start: string) =>
      Number(
        lines
          .find((line) => line.startsWith(start))
          ?.split(' ')
          .at(-1),
      )
    expect(sampleOf('throughline_requests_total{name="checkout",outcome="completed"}')).toBe(4)
    expect(sampleOf('throughline_requests_total{name="checkout",outcome="failed"}')).toBe(0)
    expect(sampleOf('throughline_good_requests_total{name="checkout"}')).toBe(2)
    expect(sampleOf('throughline_requests_in_flight{name="checkout"}')).toBe(2)
    expect(sampleOf('throughline_batches_total{name="checkout"}')).toBe(4)
    expect(sampleOf('throughline_batched_requests_total{name="checkout"}')).toBe(4)
    expect(sampleOf('throughline_serving_seconds_total{name="checkout"}')).toBeCloseTo(0.04, 9)
    for (const [le, atMost] of [
      ['0.01', 1],
      ['0.016', 2],
      ['0.022', 3],
      ['0.03', 4],
      ['+Inf', 4],
    ] as const) {
      expect([le, sampleOf(`throughline_latency_seconds_bucket{name="checkout",le="${le}"}`)]).toEqual([le, atMost])
    }
    expect(sampleOf('throughline_latency_seconds_sum')).toBeCloseTo(0.07, 9)
    expect(sampleOf('throughline_wait_seconds_sum')).toBeCloseTo(0.03, 9)
  })

  it('are exported by the readers of OpenTelemetry, and by a registry of prom-client', async () => {
    const metrics = resultMetrics(() => result)
    const reader = new Reader({ metricProducers: [openTelemetryProducer(metrics, { bounds })] })
    new MeterProvider({ readers: [reader] })
    const { resourceMetrics, errors } = await reader.collect()
    expect(errors).toEqual([])
    const exported = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    const [point] = (exported.find(({ descriptor }) => descriptor.name === 'throughline.latency')?.dataPoints ??
      []) as DataPoint<Histogram>[]
    expect(point?.attributes).toEqual({ 'throughline.recorder': 'default' })
    expect(point?.value.buckets).toEqual({ boundaries: [0.01, 0.016, 0.022, 0.03], counts: [1, 1, 1, 1, 0] })

    const registry = new Registry()
    registerPrometheus(registry, metrics, { bounds })
    const text = await registry.metrics()
    expect(text).toContain('throughline_requests_total{name="default",outcome="completed"} 4')
    expect(text).toContain('throughline_latency_seconds_bucket{name="default",le="0.022"} 3')
  })

  it('count the requests in flight on all machines', () => {
    const [one, other] = [1, 2].map((seed) =>
      inProgress(simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 2000 }, seed }), 2 * seed),
    ) as [Result, Result]
    const merged = mergeResults([one, other], { as: 'shards' })
    expect(merged.validity.findings.filter(({ code }) => code === 'in-progress')).toEqual([
      {
        code: 'in-progress',
        severity: 'info',
        message: 'the run is in progress: 6 requests are in flight and not in these figures, the oldest due 3 ms ago',
        figures: { inFlight: 6, oldestMs: 3 },
      },
    ])
    expect(resultMetrics(() => merged).totals().inFlight).toBe(6)
  })

  it('need a function', () => {
    expect(() => resultMetrics(result as never)).toThrow('latest: must be a function that returns a result or null')
  })
})

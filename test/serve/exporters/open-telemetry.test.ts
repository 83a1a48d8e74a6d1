import { type DataPoint, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { createRecorder, openTelemetryProducer, type Recorder, registerOpenTelemetry } from 'throughline'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../virtual-clock.js'

class Reader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}
  /** The data points of each metric, by its name. */
  async read() {
    const { resourceMetrics, errors } = await this.collect()
    expect(errors).toEqual([])
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    return new Map(metrics.map((metric) => [metric.descriptor.name, metric]))
  }
}

function recorded(good?: { latency: string }) {
  const clock = new VirtualClock()
  const recorder = createRecorder({ name: 'infer', clock: clock.read, good })
  for (const ms of [0.08, 3, 3, 70_000]) {
    const start = recorder.start()
    clock.pass(ms)
    recorder.record(start)
  }
  const failing = recorder.start()
  recorder.fail(failing)
  recorder.start()
  return recorder
}

describe('metrics for OpenTelemetry', () => {
  it('come from a metric producer, with histograms', async () => {
    const reader = new Reader({
      metricProducers: [openTelemetryProducer(recorded(), { bounds: ['100us', '5ms', '60s'] })],
    })
    new MeterProvider({ readers: [reader] })
    const read = await reader.read()
    expect([...read.keys()]).toEqual(
      expect.arrayContaining([
        'throughline.requests',
        'throughline.in_flight',
        'throughline.latency',
        'throughline.batching',
      ]),
    )
    const [point] = (read.get('throughline.latency')?.dataPoints ?? []) as DataPoint<Histogram>[]
    expect(point?.value).toEqual({
      buckets: { boundaries: [0.0001, 0.005, 60], counts: [1, 2, 0, 1] },
      sum: expect.closeTo(70.00608, 9),
      count: 4,
    })
    expect(point?.attributes).toEqual({ 'throughline.recorder': 'infer' })
    expect((point?.endTime[0] as number) - Date.now() / 1000).toBeLessThan(60)
    const requests = (read.get('throughline.requests')?.dataPoints ?? []) as DataPoint<number>[]
    expect(requests.map(({ attributes, value }) => [attributes.outcome, value])).toEqual([
      ['completed', 4],
      ['failed', 1],
      ['rejected', 0],
      ['timed_out', 0],
      ['aborted', 0],
    ])
    expect(read.get('throughline.in_flight')?.dataPoints[0]?.value).toBe(1)
  })

  it('are counted by observable instruments of a meter', async () => {
    const reader = new Reader()
    const provider = new MeterProvider({ readers: [reader] })
    registerOpenTelemetry(provider.getMeter('test'), recorded())
    const read = await reader.read()
    expect(read.get('throughline.batches')?.dataPoints[0]).toMatchObject({
      value: 5,
      attributes: { 'throughline.recorder': 'infer' },
    })
    expect(read.get('throughline.in_flight')?.dataPoints[0]?.value).toBe(1)
    const requests = read.get('throughline.requests')?.dataPoints ?? []
    expect(requests.find(({ attributes }) => attributes.outcome === 'completed')?.value).toBe(4)
  })
  it.each(['a producer', 'a meter'])('count the good requests of a recorder that judges them, by %s', async (by) => {
    const readFrom = async (recorder: Recorder) => {
      const reader = new Reader(by === 'a producer' ? { metricProducers: [openTelemetryProducer(recorder)] } : {})
      const provider = new MeterProvider({ readers: [reader] })
      if (by === 'a meter') registerOpenTelemetry(provider.getMeter('test'), recorder)
      return (await reader.read()).get('throughline.good')
    }
    // 0.08, 3 and 3 ms of 0.08, 3, 3 and 70,000
    expect((await readFrom(recorded({ latency: '3ms' })))?.dataPoints.map(({ value }) => value)).toEqual([3])
    expect(await readFrom(recorded())).toBeUndefined()
  })

  it.each(['a producer', 'a meter'])('have the class of requests and the kind of failures, by %s', async (by) => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ name: 'shop', clock: clock.read, classes: ['checkout', 'browse'] })
    const [checkouts, browses] = [recorder.class('checkout'), recorder.class('browse')]
    const start = checkouts.start()
    clock.pass(3)
    checkouts.record(start)
    browses.record(browses.start())
    const reader = new Reader(by === 'a producer' ? { metricProducers: [openTelemetryProducer(recorder)] } : {})
    const provider = new MeterProvider({ readers: [reader] })
    if (by === 'a meter') registerOpenTelemetry(provider.getMeter('test'), recorder)
    browses.fail(browses.start(), new RangeError('too far'))
    const read = await reader.read()
    const pointsOf = (name: string) => read.get(name)?.dataPoints.map(({ attributes, value }) => [attributes, value])
    expect(pointsOf('throughline.requests')).toContainEqual([
      { 'throughline.recorder': 'shop', class: 'browse', outcome: 'failed' },
      1,
    ])
    expect(pointsOf('throughline.failures')).toEqual([[{ 'throughline.recorder': 'shop', kind: 'RangeError' }, 1]])
    if (by === 'a meter') return
    const latencies = read.get('throughline.latency')?.dataPoints as DataPoint<Histogram>[]
    expect(latencies.map(({ attributes, value }) => [attributes.class, value.count, value.sum])).toEqual([
      ['checkout', 1, 0.003],
      ['browse', 1, 0],
    ])
  })
})

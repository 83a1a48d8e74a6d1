import { expect, it } from 'vitest'
import { otlpJson, rejectedIn } from '../../src/cli/machines/otlp.js'
import { openTelemetryProducer } from '../../src/serve/exporters/open-telemetry.js'
import { resultMetrics } from '../../src/serve/exporters/result-metrics.js'
import { simulate } from '../../src/simulate/simulate.js'

it('encodes sums, gauges and histograms as the JSON of OTLP', async () => {
  // each of 20 requests takes 10 ms
  const scenario = { arrivals: { process: 'constant', rate: '50/s' }, service: '10ms' } as const
  const result = simulate({ ...scenario, stop: { requests: 20 }, warmup: { requests: 0 } })
  const producer = openTelemetryProducer(
    resultMetrics(() => result, { name: 'run' }),
    { bounds: ['5ms', '20ms'] },
  )
  const collected = await producer.collect()
  const [{ resource, scopeMetrics }] = JSON.parse(otlpJson(collected, { 'service.name': 'shop' })).resourceMetrics
  expect(resource).toEqual({ attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] })
  expect(scopeMetrics).toHaveLength(1)
  const [{ scope, metrics }] = scopeMetrics
  expect(scope).toEqual({ name: 'throughline' })
  const named = (name: string) => metrics.find((each: { name: string }) => each.name === name)
  const nano = expect.stringMatching(/^\d{19}$/)
  const point = (...more: [key: string, value: string][]) => ({
    attributes: [['throughline.recorder', 'run'] as const, ...more].map(([key, stringValue]) => ({
      ...{ key, value: { stringValue } },
    })),
    startTimeUnixNano: nano,
    timeUnixNano: nano,
  })

  const requests = named('throughline.requests')
  expect({ ...requests, sum: { ...requests.sum, dataPoints: requests.sum.dataPoints.slice(0, 1) } }).toEqual({
    name: 'throughline.requests',
    description: 'Requests by outcome',
    unit: '{request}',
    sum: {
      aggregationTemporality: 2,
      isMonotonic: true,
      dataPoints: [{ ...point(['outcome', 'completed']), asInt: '20' }],
    },
  })
  expect(named('throughline.serving').sum.dataPoints).toEqual([{ ...point(), asDouble: 0.2 }])
  expect(named('throughline.in_flight').gauge).toEqual({ dataPoints: [{ ...point(), asInt: '0' }] })
  expect(named('throughline.latency')).toMatchObject({
    unit: 's',
    histogram: {
      aggregationTemporality: 2,
      dataPoints: [
        { ...point(), count: '20', sum: 0.2, bucketCounts: ['0', '20', '0'], explicitBounds: [0.005, 0.02] },
      ],
    },
  })
})

it('reads from the answer of a collector what it rejected', () => {
  expect(rejectedIn('')).toBeNull()
  expect(rejectedIn('ok')).toBeNull()
  expect(rejectedIn('{}')).toBeNull()
  expect(rejectedIn('{"partialSuccess":{"rejectedDataPoints":"0","errorMessage":"a warning"}}')).toBeNull()
  expect(rejectedIn('{"partialSuccess":{"rejectedDataPoints":3,"errorMessage":"too old"}}')).toBe(
    '3 data points were rejected: too old',
  )
})

import { Counter, Registry } from 'prom-client'
import { createRecorder, prometheusText, type Recorder, registerPrometheus } from 'throughline'
import { describe, expect, it } from 'vitest'
import { atLength } from '../../support/at-length.js'
import { VirtualClock } from '../virtual-clock.js'

/** Five requests answered in batches or alone, and one of each other outcome. */
function recorded(name: string): Recorder {
  const clock = new VirtualClock()
  const recorder = createRecorder({ name, clock: clock.read })
  for (const due of [0, 1, 2, 3]) recorder.arrived(due)
  clock.set(10)
  recorder.batch(4, 0, 3.5, 4, 10)
  for (const due of [0, 1, 2]) recorder.served(due)
  recorder.failed(3)
  for (const ms of [0.08, 250]) {
    const start = recorder.start()
    clock.pass(ms)
    recorder.record(start)
  }
  for (const outcome of ['rejected', 'timedOut', 'aborted'] as const) {
    recorder.arrived(clock.now)
    recorder[outcome](clock.now)
  }
  recorder.start()
  return recorder
}

const sampleOf = (text: string, line: string) => {
  const found = text.split('\n').find((each) => each.startsWith(`${line} `))
  return found === undefined ? null : Number(found.slice(line.length + 1))
}

describe('metrics for Prometheus', () => {
  const text = prometheusText(recorded('a'))

  it.each([
    ['throughline_requests_total{name="a",outcome="completed"}', 5],
    ['throughline_requests_total{name="a",outcome="failed"}', 1],
    ['throughline_requests_total{name="a",outcome="rejected"}', 1],
    ['throughline_requests_total{name="a",outcome="timed_out"}', 1],
    ['throughline_requests_total{name="a",outcome="aborted"}', 1],
    ['throughline_requests_in_flight{name="a"}', 1],
    ['throughline_batches_total{name="a"}', 3],
    ['throughline_batched_requests_total{name="a"}', 6],
    // latencies of 0.08, 8, 9, 10 and 250 ms
    ['throughline_latency_seconds_bucket{name="a",le="0.00005"}', 0],
    ['throughline_latency_seconds_bucket{name="a",le="0.0001"}', 1],
    ['throughline_latency_seconds_bucket{name="a",le="0.005"}', 1],
    ['throughline_latency_seconds_bucket{name="a",le="0.01"}', 4],
    ['throughline_latency_seconds_bucket{name="a",le="0.1"}', 4],
    ['throughline_latency_seconds_bucket{name="a",le="0.25"}', 5],
    ['throughline_latency_seconds_bucket{name="a",le="+Inf"}', 5],
    ['throughline_latency_seconds_count{name="a"}', 5],
    ['throughline_latency_seconds_sum{name="a"}', 0.27708],
    // waits of 0, 0, 2, 3 and 4 ms: half a millisecond of each was dispatch
    ['throughline_wait_seconds_bucket{name="a",le="0.00005"}', 2],
    ['throughline_wait_seconds_sum{name="a"}', 0.009],
    ['throughline_dispatch_seconds_sum{name="a"}', 0.0015],
    ['throughline_batching_seconds_sum{name="a"}', 0.0075],
    ['throughline_queueing_seconds_sum{name="a"}', 0],
  ])('have %s', (line, value) => {
    expect(sampleOf(text, line)).toBeCloseTo(value, 12)
  })

  it('are in the text format: each line a comment or a sample, each family once', () => {
    for (const line of text.trim().split('\n')) {
      expect(line).toMatch(/^(|# (HELP|TYPE) throughline_\w+ .+|throughline_\w+\{(\w+="[^"\\]*",?)+\} [\d.e+-]+)$/)
    }
    const types = text.match(/^# TYPE \w+/gm) as string[]
    expect(new Set(types).size).toBe(types.length)
    expect(types).toHaveLength(12)
  })

  it('are the same from a registry of prom-client, also for several recorders', async () => {
    const recorders = [recorded('a'), recorded('b')]
    const registry = new Registry()
    registerPrometheus(registry, recorders)
    expect((await registry.metrics()).trim()).toBe(prometheusText(recorders).trim())
    expect(await registry.getMetricsAsJSON()).toHaveLength(12)
    registry.resetMetrics()
    expect((await registry.metrics()).trim()).toBe(prometheusText(recorders).trim())
  })

  it('are in the OpenMetrics format if the registry is', async () => {
    const registry = new Registry()
    // its types know of one content type only
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    registerPrometheus(registry, recorded('a'))
    const written = await registry.metrics()
    expect(written).toContain('# TYPE throughline_requests counter')
    expect(sampleOf(written, 'throughline_requests_total{name="a",outcome="completed"}')).toBe(5)
    expect(written).toMatch(/# EOF\n$/)
  })

  it('count the good requests of recorders that judge them, and no others', async () => {
    const clock = new VirtualClock()
    const judged = createRecorder({ name: 'judged', clock: clock.read, good: { latency: '10ms' } })
    for (const ms of [5, 10, 11]) {
      const start = judged.start()
      clock.pass(ms)
      judged.record(start)
    }
    judged.fail(judged.start())
    const both = [recorded('a'), judged]
    const written = prometheusText(both)
    expect(sampleOf(written, 'throughline_good_requests_total{name="judged"}')).toBe(2)
    expect(written.match(/^throughline_good_requests_total/gm)).toHaveLength(1)
    const registry = new Registry()
    registerPrometheus(registry, both)
    expect((await registry.metrics()).trim()).toBe(written.trim())
  })

  it('have a label for the class of requests, and one for the kind of failures', async () => {
    const clock = new VirtualClock()
    const shop = createRecorder({
      name: 'shop',
      clock: clock.read,
      classes: ['checkout', 'browse'],
      good: { latency: '10ms' },
    })
    for (const [name, ms] of [
      ['checkout', 20],
      ['checkout', 5],
      ['browse', 2],
    ] as const) {
      const start = shop.class(name).start()
      clock.pass(ms)
      shop.class(name).record(start)
    }
    const text = () => prometheusText([shop, recorded('a')], { bounds: ['10ms'] })
    const registry = new Registry()
    // before anything failed
    registerPrometheus(registry, [shop, createRecorder({ name: 'b', clock: clock.read })], { bounds: ['10ms'] })
    expect(await registry.metrics()).not.toContain('throughline_failures_total{name="shop"')
    shop.class('checkout').fail(shop.class('checkout').start(), Object.assign(new Error('x'), { code: 'E "1"' }))
    for (const [line, value] of [
      ['throughline_requests_total{name="shop",class="checkout",outcome="completed"}', 2],
      ['throughline_requests_total{name="shop",class="checkout",outcome="failed"}', 1],
      ['throughline_requests_total{name="shop",class="browse",outcome="completed"}', 1],
      ['throughline_requests_total{name="a",outcome="completed"}', 5],
      ['throughline_good_requests_total{name="shop",class="checkout"}', 1],
      ['throughline_good_requests_total{name="shop",class="browse"}', 1],
      ['throughline_failures_total{name="shop",kind="E \\"1\\""}', 1],
      ['throughline_failures_total{name="a",kind="unknown"}', 1],
      ['throughline_latency_seconds_bucket{name="shop",class="checkout",le="0.01"}', 1],
      ['throughline_latency_seconds_bucket{name="shop",class="checkout",le="+Inf"}', 2],
      ['throughline_latency_seconds_sum{name="shop",class="browse"}', 0.002],
      ['throughline_service_seconds_count{name="shop"}', 3],
    ] as const) {
      expect(sampleOf(text(), line), line).toBeCloseTo(value, 12)
    }
    expect(text()).not.toMatch(/class="other"/)
    const ofRegistry = await registry.metrics()
    expect(sampleOf(ofRegistry, 'throughline_failures_total{name="shop",kind="E \\"1\\""}')).toBe(1)
    expect(sampleOf(ofRegistry, 'throughline_latency_seconds_count{name="shop",class="checkout"}')).toBe(2)
  })

  it('escape the name of a recorder', async () => {
    const recorder = recorded('a "b" \\ c\nd')
    const registry = new Registry()
    registerPrometheus(registry, recorder)
    expect(prometheusText(recorder)).toContain('{name="a \\"b\\" \\\\ c\\nd"} 1')
    expect((await registry.metrics()).trim()).toBe(prometheusText(recorder).trim())
  })

  it('never decrease, and exist before anything was recorded', { tags: 'at-length' }, () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    const count = () =>
      sampleOf(prometheusText(recorder), 'throughline_latency_seconds_count{name="default"}') as number
    let last = count()
    expect(last).toBe(0)
    for (let minute = 0; minute < atLength(200); minute++) {
      recorder.record(recorder.start())
      clock.pass(60_000)
      expect(count()).toBe(last + 1)
      last = count()
    }
  })

  it('refuse invalid or unordered bounds, and two recorders with the same name', () => {
    const recorder = recorded('a')
    expect(() => prometheusText(recorder, { bounds: ['2ms', '1ms'] })).toThrow(
      /bounds\[1\]: must be .* above the bound before/,
    )
    expect(() => registerPrometheus(new Registry(), recorder, { bounds: ['1ms', '1ms'] })).toThrow(/bounds\[1\]/)
    expect(() => prometheusText(recorder, { bounds: ['soon'] })).toThrow(
      /options\.bounds\.0: must be a duration of 1 ns or more.*got "soon"/,
    )
    expect(() => prometheusText([recorder, recorded('a')])).toThrow(
      /recorders: must have different names, got 'a' twice/,
    )
    expect(() => prometheusText(recorder, { bound: ['1ms'] } as never)).toThrow(/'bound' is not an option here/)
    for (const none of [undefined, null, {}, [recorder, {}]]) {
      expect(() => prometheusText(none as never)).toThrow(/recorders: must be a recorder or a list of them, got/)
    }
    expect(() => recorder.totals(5 as never)).toThrow(/bounds: must be a list of milliseconds/)
    expect(prometheusText(recorder, { bounds: ['1us', 1000] })).toContain('le="0.000001"')
  })

  it('are added to a registry all together, or not at all', () => {
    const registry = new Registry()
    new Counter({ name: 'throughline_batches_total', help: 'of another', registers: [registry] })
    expect(() => registerPrometheus(registry, recorded('a'))).toThrow(
      /registry: already has a metric called 'throughline_batches_total'/,
    )
    expect(registry.getMetricsAsArray()).toHaveLength(1)
    expect(() => registerPrometheus({} as never, recorded('a'))).toThrow(
      /registry: must be a registry with a registerMetric method, got \{\}/,
    )
  })
})

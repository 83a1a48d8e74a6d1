import { affine, compareResults, type Result, type Scenario, simulate, sweep, ValidationError } from 'throughline'
import { renderHtml } from 'throughline/report'
import { describe, expect, it } from 'vitest'
import { marksOf } from '../../support/expect/svg-marks.ts'

const scenario: Scenario = {
  arrivals: '800/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxBatchSize: 16, maxWait: '5ms' },
  stop: { requests: 10_000 },
}
const one = simulate(scenario)
const text = (html: string) =>
  html
    .slice(html.indexOf('<main>'), html.indexOf('</main>'))
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')

interface Place {
  x: number
  y: number
}

describe('a report as a page', () => {
  it('is the same for the same result', () => {
    expect(renderHtml(one)).toBe(renderHtml(JSON.parse(JSON.stringify(one))))
  })

  it('holds ten results in less than 300 KB, and names no other file', { tags: 'full' }, () => {
    const ten = [400, 500, 600, 700, 750, 800, 850, 900, 1000, 1100].map((rate) => ({
      name: `at ${rate}/s in batches of no more than sixty-four requests each`,
      result: simulate({
        ...scenario,
        arrivals: rate,
        batching: { maxBatchSize: 64, maxWait: '40ms' },
        stop: { requests: 30_000 },
      }),
    }))
    const html = renderHtml(ten, { budget: { p99: '30ms', 'queueing.p95': '10ms' } })
    expect(Buffer.byteLength(html)).toBeLessThan(300_000)
    expect(html).not.toMatch(/\b(src|href)=|url\(|@import|https?:/)
  })

  it('holds a sweep of ten runs in less than 300 KB, and cuts long labels', () => {
    const swept = Array.from({ length: 10 }, (_, i) => ({
      point: { maxBatchSize: i + 1, maxWait: '5ms' },
      result: one,
    }))
    expect(Buffer.byteLength(renderHtml(swept, { budget: { p99: '30ms' } }))).toBeLessThan(300_000)
    const long = [1, 2].map((name) => ({ name: `${name}${'x'.repeat(10_000)}`, result: one }))
    expect(Buffer.byteLength(renderHtml(long))).toBeLessThan(100_000)
  })

  it('shows the findings of a run first', () => {
    const overrun = simulate({ ...scenario, arrivals: '5000/s' })
    const said = text(renderHtml(overrun))
    expect(said).toContain('✗ invalid')
    expect(said.indexOf('saturated')).toBeGreaterThan(0)
    expect(said.indexOf('saturated')).toBeLessThan(said.indexOf('Latency by percentile'))
  })

  it('checks every run against a budget', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 16] })
    const said = text(renderHtml(swept, { budget: { p99: '5ms' } }))
    expect(said).toContain('Budget broken: 1 of 2 rules fails batch size 1 p99: cannot sustain 800/s; at most 129/s')
    expect(said).toContain('Budget broken: 1 of 2 rules fails batch size 16')
    expect(() => renderHtml(one, { budget: { p99: '5 apples' } })).toThrow(ValidationError)
  })

  it('draws the limits of a budget at their percentiles', () => {
    const html = renderHtml(one, { budget: { p50: '15ms', 'p99.9': '90ms', mean: '1ms', 'queueing.p95': '2ms' } })
    const chart = /aria-labelledby="percentiles"[\s\S]*?<\/svg>/.exec(html)?.[0] as string
    const limits = [...chart.matchAll(/data-limit="(\S+)"><path class="limit" fill="none" d="M\S+ (\S+)H(\S+)v-8"/g)]
    expect(limits.map(([, ms]) => ms)).toEqual(['15', '90'])
    const [of50, of999] = limits.map(([, , y, x]) => ({ x: Number(x), y: Number(y) })) as [Place, Place]
    // above it is slower, and to the right rarer
    expect(of999.y).toBeLessThan(of50.y)
    expect(of999.x).toBeGreaterThan(of50.x)
    expect(chart).toContain('>p99.9 at most 90 ms<')
    expect(renderHtml(one, { budget: { mean: '1ms' } })).not.toContain('class="limit"')
  })

  it('draws the frontier, with the limits of a budget', async () => {
    const loads = await sweep({ ...scenario, stop: { requests: 20_000 } }, { rate: [200, 500, 800] })
    const html = renderHtml(loads, { budget: { p99: '25ms', throughput: '>= 300/s' } })
    const points = marksOf(html).filter(({ data }) => data.k === 'point')
    expect(points.map(({ data }) => [Number(data.x), Number(data.v)])).toEqual(
      loads.map(({ result }) => [result.throughput.completed, result.latencyMs.p99]),
    )
    expect(html).toContain('data-limit="25"')
    expect(html).toContain('data-limit="300"')
  })

  it('leaves a run off the frontier if its percentile is a request that never completed', async () => {
    const queue = { capacity: 64 }
    const loads = await sweep({ ...scenario, queue, stop: { requests: 20_000 } }, { rate: [200, 500, 5000] })
    const [, , most] = loads.map(({ result }) => result)
    expect(most?.rates.rejection).toBeGreaterThan(0.1)
    const points = marksOf(renderHtml(loads)).filter(({ data }) => data.k === 'point')
    expect(points.map(({ data }) => Number(data.x))).not.toContain(most?.throughput.completed)
    expect(points).toHaveLength(2)
  })

  it('draws latency against capacity if all runs completed the same load', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [16, 64] })
    const points = marksOf(renderHtml(swept)).filter(({ data }) => data.k === 'point')
    // 16 in 11.5 ms, and 64 in 23.5 ms
    expect(points.map(({ data }) => Math.round(Number(data.x)))).toEqual([1391, 2723])
  })

  it('shows a comparison, its verdict first, with its results', () => {
    const head = simulate({
      ...scenario,
      service: affine({ base: '9ms', perItem: '0.3ms' }),
      stop: { requests: 200_000 },
    })
    const base = simulate({ ...scenario, stop: { requests: 200_000 } })
    const comparison = compareResults(base, head)
    const html = renderHtml([{ name: 'base', result: base }, comparison, { name: 'head', result: head }])
    const said = text(html)
    expect(said).toContain('head is slower: mean')
    const mean = comparison.metrics.find(({ metric }) => metric === 'mean')
    const [mark] = marksOf(html).filter(({ data }) => data.k === 'mean')
    expect(Number(mark?.data.v)).toBe(mean?.ratio)
    expect(Number(mark?.data.low)).toBe(mean?.interval.low)
    expect(text(renderHtml(comparison))).toContain('head is slower')
  })

  it('leaves overloaded runs out of the distributions, and says so', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 2, 16] })
    const html = renderHtml(swept)
    const curves = marksOf(html).filter(({ data }) => data.k === 'p50' && data.run !== undefined)
    expect(curves.map(({ data }) => data.run)).toEqual(['batch size 16'])
    expect(text(html)).toContain('Left out: 2 of 3 runs, which were overloaded')
  })

  it('renders results with little data', () => {
    const few = simulate({
      ...scenario,
      batching: { maxBatchSize: 1 },
      arrivals: '10/s',
      stop: { requests: 3 },
      warmup: { requests: 0 },
    })
    const lost = simulate({ ...scenario, queue: { capacity: 40, timeout: '10ms' }, arrivals: '5000/s' })
    const lean: Result = { ...one, segments: [], validity: { valid: true, findings: [] } }
    const html = [few, lost].map((result) => renderHtml(result).split('<main>')[1]?.split('</main>')[0]).join()
    expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/)
    // segments have to add up to the whole
    expect(() => renderHtml(lean)).toThrow(/segments/)
  })

  it('rejects entries that cannot be reported', () => {
    expect(() => renderHtml([])).toThrow('at least one result or comparison')
    for (const wrong of [null, 7, { name: 'x' }, { schema: 'throughline/result@9' }, { point: null, result: one }]) {
      expect(() => renderHtml([wrong as never])).toThrow(ValidationError)
    }
  })

  it('escapes labels', () => {
    const label = '</title><script>1</script>"__proto__\u001b]0;x\u0007'
    const html = renderHtml([
      { name: label, result: one },
      { name: '__proto__', result: one },
      { name: '', result: one },
    ])
    expect(html.match(/<script/g)).toHaveLength(1)
    expect(html).toContain('&lt;/title&gt;&lt;script&gt;1&lt;/script&gt;&quot;__proto__␛]0;x␇')
  })
})

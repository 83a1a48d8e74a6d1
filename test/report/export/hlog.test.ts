import { build, decodeFromCompressedBase64, type Histogram, HistogramLogReader, listTags } from 'hdr-histogram-js'
import { describe, expect, it } from 'vitest'
import { percentile, simulate } from '../../../src/index.js'
import { renderHlog } from '../../../src/report/export/hlog.js'
import { result } from '../../support/results/example-result.js'

function read(text: string): Histogram[] {
  const reader = new HistogramLogReader(text, 64)
  const all: Histogram[] = []
  for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) all.push(next)
  return all
}

describe('a log of HdrHistogram', () => {
  const text = renderHlog([{ name: 'a', result }])
  const all = read(text)
  const latency = all.filter(({ tag }) => tag === 'latency')

  it('has a line for each segment, which add up to the percentiles of the whole', () => {
    expect(latency).toHaveLength(result.segments.length)
    const sum = build({ ...SHAPE })
    for (const each of latency) sum.add(each)
    expect(sum.totalCount).toBe(result.latencyMs.count)
    for (const p of [50, 90, 95, 99, 99.9]) {
      expect(sum.getValueAtPercentile(p) / 1e6).toBeCloseTo(percentile(result.latencyMs, p), 6)
    }
    latency.forEach((each, i) => {
      const { startMs, endMs } = result.segments[i] as (typeof result.segments)[number]
      expect(each.startTimeStampMsec).toBeCloseTo(startMs, 2)
      expect(each.endTimeStampMsec).toBeCloseTo(endMs, 2)
    })
  })

  it('has the parts of latency over the whole window, by tags', () => {
    expect(listTags(text)).toEqual(['latency', 'wait', 'service', 'lag', 'queueing', 'batching', 'dispatch'])
    const wait = all.find(({ tag }) => tag === 'wait') as Histogram
    expect(wait.getValueAtPercentile(99)).toBe(
      decodeFromCompressedBase64(result.waitMs.histogram, 64).getValueAtPercentile(99),
    )
  })

  it('tags several results by name, whatever they are called', () => {
    const other = simulate({ arrivals: '50/s', service: '1ms', stop: { requests: 500 } })
    const both = renderHlog([
      { name: 'a, b\n#c', result },
      { name: 'other', result: other },
    ])
    expect(listTags(both)).toContain('a_b_c.latency')
    expect(read(both).filter(({ tag }) => tag === 'other.service')[0]?.totalCount).toBe(other.serviceMs.count)
  })
})

const SHAPE = {
  bitBucketSize: 64,
  autoResize: false,
  lowestDiscernibleValue: 1,
  highestTrackableValue: 3_600_000_000_000,
  numberOfSignificantValueDigits: 3,
} as const

import { describe, expect, it } from 'vitest'
import { calibrate, MeasureError, type Scenario, simulate, ValidationError } from '../../src/index.js'

const handler = (name: string) => new URL(`./handlers/${name}`, import.meta.url)

/** Takes 1 ms plus 0.2 ms per request. */
const scenario: Scenario = {
  arrivals: '400/s',
  handler: handler('affine.js'),
  batching: { maxBatchSize: 4, maxWait: 0 },
}
const least = (size: number) => 1 + 0.2 * size

function pointsOf(service: Awaited<ReturnType<typeof calibrate>>['service']): Map<number, number> {
  if (service.model !== 'byBatchSize') throw new Error('calibrate gives times by batch size')
  return new Map(
    Object.entries(service.points).map(([size, point]) => {
      if (typeof point !== 'object') throw new Error('calibrate gives a mean and its variation')
      return [Number(size), Number(point.mean)]
    }),
  )
}

describe('calibrate', () => {
  it('times the bare handler with tight, at each power of two up to the largest batch', async () => {
    const { service } = await calibrate(
      { ...scenario, batching: { maxBatchSize: 6 } },
      { tight: true },
      { duration: 40 },
    )
    const points = pointsOf(service)
    expect([...points.keys()]).toEqual([1, 2, 4, 6])
    for (const [size, ms] of points) expect(ms).toBeGreaterThanOrEqual(least(size))
  })

  it('returns a service with overhead that simulate accepts', async () => {
    const { service } = await calibrate(scenario, { rate: '400/s' }, { duration: '700ms' })
    const points = pointsOf(service)
    expect(points.has(1)).toBe(true)
    expect(Math.max(...points.keys())).toBe(4)
    expect(points.get(1)).toBeGreaterThanOrEqual(least(1))
    // a size that did not occur has the bare handler's time, scaled by the ratio of those that did: on a busy machine
    // the bare handler may have been slower
    for (const [size, ms] of points) expect(ms).toBeGreaterThanOrEqual(least(size) / 2)
    // on a busy machine a server may hardly ever be idle, so that one batch follows another
    expect(Object.values(service.overhead ?? {})).toContainEqual(expect.objectContaining({ mean: expect.any(Number) }))

    const result = simulate({ ...scenario, service, stop: { requests: 2000 } })
    expect(result.counts.completed).toBe(1800)
    // between observed sizes the mean is interpolated, with its neighbour's spread, which is wide on a busy machine
    expect(result.latencyMs.mean).toBeGreaterThanOrEqual(least(1))
    expect(result.dispatchMs.mean).toBeGreaterThan(0)
  })

  it('chooses the load itself for a utilization', { tags: 'full' }, async () => {
    const { service } = await calibrate(scenario, { utilization: 0.5 }, { duration: '1s' })
    expect(pointsOf(service).size).toBeGreaterThan(0)
  })

  it.each([
    [{ utilization: 1.2 }, /^calibrate\.utilization: must be a number above 0 and below 1, got 1\.2/],
    [{ rate: '5 parsecs' }, /^calibrate\.rate: must be a rate.*got "5 parsecs"/],
    [{ tight: false }, /^calibrate\.tight: must be true, got false/],
    [{ load: 3 }, /^calibrate: /],
  ])('refuses %j', async (at, message) => {
    const refused = calibrate(scenario, at as { rate: string })
    await expect(refused).rejects.toThrow(ValidationError)
    await expect(refused).rejects.toThrow(message)
  })

  it('rejects an unlimited batch size, and a scenario without a handler', async () => {
    const unlimited = { ...scenario, batching: { maxBatchSize: null, maxWait: 0 } }
    await expect(calibrate(unlimited, { tight: true })).rejects.toThrow(
      /^batching\.maxBatchSize: must be a number to calibrate, got null/,
    )
    await expect(calibrate({ arrivals: 1 }, { tight: true })).rejects.toThrow(/^handler: is required/)
  })

  it('reports which handler failed, at which batch size', async () => {
    const failing = { ...scenario, handler: handler('throws-third.js') }
    const refused = calibrate(failing, { tight: true }, { duration: 20 })
    await expect(refused).rejects.toThrow(MeasureError)
    await expect(refused).rejects.toThrow(/throws-third\.js: a batch of \d+ failed: /)
  })

  it('uses what was observed if it is stopped early', { tags: 'full' }, async () => {
    const seen: number[] = []
    const until = (duration: string, last: number) => ({
      duration,
      onProgress: ({ fraction }: { fraction: number }) => {
        seen.push(fraction)
        return fraction < last
      },
    })
    // a tenth is warm-up
    const inWarmup = calibrate(scenario, { rate: '400/s' }, until('20s', 0.02))
    await expect(inWarmup).rejects.toThrow('the run was interrupted')
    const { service, findings } = await calibrate(scenario, { rate: '400/s' }, until('10s', 0.15))
    expect(findings.map(({ code }) => code)).toContain('interrupted')
    expect(pointsOf(service).has(1)).toBe(true)
    // progress ends at 1
    expect(seen.filter((fraction) => fraction > 0.8 && fraction < 1)).toEqual([])
  })

  it('ends its thread when it is aborted', async () => {
    const signal = AbortSignal.timeout(300)
    await expect(calibrate(scenario, { tight: true }, { duration: '60s', signal })).rejects.toThrow()
  })
})

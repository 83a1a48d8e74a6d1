import { describe, expect, it } from 'vitest'
import { type Scenario, simulate } from '../../src/index.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { type CheckpointedStop, checkpointsOf } from '../../src/scenario/stop.js'

const scenario = { arrivals: 100, service: 1 } satisfies Scenario
const stopOf = (stop: unknown, verb: 'simulate' | 'measure' = 'simulate') =>
  resolveScenario({ ...scenario, handler: './handler.js', stop } as Scenario, verb)

describe('a stop with checkpoints', () => {
  it('has defaults', () => {
    expect(stopOf({ precision: '5%' })).toMatchObject({
      stop: { precision: 0.05, of: 'p99', atMost: { requests: 20_000_000 } },
      // a tenth of the first checkpoint
      warmup: { requests: 1953 },
    })
    expect(stopOf({ precision: 0.05, of: 'mean' }, 'measure')).toMatchObject({
      stop: { precision: 0.05, of: 'mean', atMost: { duration: 60_000 } },
      warmup: { duration: 750 },
    })
    expect(stopOf({ budget: { p99: '1s' }, atMost: { duration: '20s' } })).toMatchObject({
      stop: { budget: { p99: '1s' }, atMost: { duration: 20_000 } },
    })
  })

  it('has checkpoints at doubling lengths', () => {
    const checkpoints = (atMost: CheckpointedStop['atMost']) => checkpointsOf({ precision: 0.1, of: 'p99', atMost })
    expect(checkpoints({ duration: 20_000 })).toEqual([{ duration: 5000 }, { duration: 10_000 }, { duration: 20_000 }])
    expect(checkpoints({ duration: 19_000 })).toEqual([{ duration: 9500 }, { duration: 19_000 }])
    expect(checkpoints({ requests: 9000 })).toEqual([{ requests: 9000 }])
    expect(checkpoints({ requests: 2 ** 32 - 1 })).toHaveLength(19)
  })

  it('has early checkpoints for a budget', () => {
    const checkpoints = (atMost: CheckpointedStop['atMost']) => checkpointsOf({ budget: { p99: '1s' }, atMost })
    expect(checkpoints({ duration: 20_000 })).toEqual(
      [500, 1200, 2880, 6912, 20_000].map((duration) => ({ duration: expect.closeTo(duration, 6) })),
    )
    // 6.9 s is too near
    expect(checkpoints({ duration: 10_000 }).at(-2)).toEqual({ duration: expect.closeTo(2880, 6) })
    expect(checkpoints({ duration: 600 })).toEqual([{ duration: 600 }])
    expect(checkpoints({ requests: 9000 })).toEqual([{ requests: 9000 }])
    expect(
      checkpoints({ requests: 20_000_000 }).map((checkpoint) => 'requests' in checkpoint && checkpoint.requests),
    ).toEqual([10_000, 24_000, 57_600, 138_240, 331_776, 796_262, 1_911_030, 4_586_471, 11_007_531, 20_000_000])
  })

  it.each([
    [{ precision: 0 }, 'stop.precision', "must be a fraction above 0 and below 1: '5%', or a number (0.05), got 0"],
    [{ precision: '100%' }, 'stop.precision', 'got "100%"'],
    [{ precision: 'a bit' }, 'stop.precision', 'got "a bit"'],
    [{ precision: 0.1, of: 'p98' }, 'stop.of', 'must be one of mean, p50, p90, p95, p99, p99.9, got "p98"'],
    [{ precision: 0.1, atMost: 0 }, 'stop.atMost', 'got 0'],
    [{ precision: 0.1, atMost: { requests: 0 } }, 'stop.atMost.requests', 'got 0'],
    [
      { precision: 0.1, atMost: { requests: 9, duration: 9 } },
      'stop.atMost',
      'must be either { requests } or { duration }',
    ],
    [
      { precision: 0.1, requests: 5 },
      'stop',
      'must be { requests }, { duration }, { precision, of, atMost } or { budget, atMost }',
    ],
    [{ budget: {} }, 'stop.budget', 'must limit at least one metric'],
    [{ budget: { p99: '5/s' } }, 'stop.budget.p99', 'must be a time'],
    [{ budget: { p99: 5 }, of: 'p99' }, 'stop', "'of' is not an option here"],
    ['5%', 'stop', 'must be { requests }, { duration }, { precision, of, atMost } or { budget, atMost }, got "5%"'],
  ])('%j is refused', (stop, path, message) => {
    expect(() => stopOf(stop)).toThrow(expect.objectContaining({ path, message: expect.stringContaining(message) }))
  })

  it('leaves room for a window after the warm-up at the first checkpoint', () => {
    const stop = { precision: 0.1, atMost: '20s' }
    expect(() => simulate({ ...scenario, stop, warmup: { duration: '5s' } })).toThrow(
      /^warmup: must be shorter than the run/,
    )
  })
})

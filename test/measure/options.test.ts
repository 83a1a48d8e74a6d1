import { describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { type MeasureOptions, resolveOptions } from '../../src/measure/options.js'
import { poisson, stages } from '../../src/scenario/arrivals/arrivals.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { ValidationError } from '../../src/validation/validation-error.js'

const handler = new URL('./handlers/numbers.js', import.meta.url)

async function fault(
  scenario: Partial<ScenarioParts> & { handler?: undefined },
  options: unknown = {},
): Promise<ValidationError> {
  const result = measure({ arrivals: '100/s', handler, ...scenario }, options as MeasureOptions)
  const error = await result.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ValidationError)
  return error as ValidationError
}

describe('an invalid option is rejected, with what is accepted', () => {
  it.each([
    [{ idle: 'doze' }, 'options.idle', "must be 'sleep' or 'poll', got \"doze\""],
    [{ spin: -1 }, 'options.spin', 'must be a duration of 0 or more'],
    [{ spin: '5 parsecs' }, 'options.spin', 'got "5 parsecs"'],
    [{ batchTimeout: 0 }, 'options.batchTimeout', 'must be a duration'],
    [{ batchTimeout: Number.NaN }, 'options.batchTimeout', 'must be a duration'],
    [{ setupTimeout: 'soon' }, 'options.setupTimeout', 'must be a duration'],
    [{ throwOnInvalid: 'yes' }, 'options.throwOnInvalid', 'must be true or false'],
    [{ onProgress: 5 }, 'options.onProgress', 'must be a function'],
    [{ signal: {} }, 'options.signal', 'must be an AbortSignal'],
    [null, 'options', 'must be an object of signal, onProgress, shard, idle'],
    [{ observe: 2 }, 'options', "'observe' is not an option here"],
    [{ threads: 2 }, 'options', "'threads' is not an option here; accepted: signal, onProgress, shard, idle"],
  ])('%j', async (options, path, said) => {
    const error = await fault({}, options)
    expect(error.path).toBe(path)
    expect(error.message).toContain(`${path}: `)
    expect(error.message).toContain(said)
  })
})

describe('a scenario that cannot be measured is rejected', () => {
  it.each<[string, Partial<ScenarioParts> & { handler?: undefined }, string, string]>([
    ['no handler', { handler: undefined }, 'handler', 'is required to measure'],
    [
      'a stage that is too fast',
      { arrivals: stages([{ rate: 1e8, duration: 10 }]) },
      'arrivals.stages',
      'must be at most 10,000,000/s',
    ],
    [
      'a rate that is too high',
      { arrivals: poisson(5e8) },
      'arrivals.rate',
      'must be at most 10,000,000/s to be measured',
    ],
    ['a rate that is not a number', { arrivals: Number.NaN }, 'arrivals', 'got NaN'],
    [
      'a window of no length',
      { arrivals: { process: 'replay', timestamps: [5, 5, 5, 5] }, stop: { requests: 3 }, warmup: { requests: 1 } },
      'stop',
      'run longer',
    ],
    [
      'a warm-up that outlasts the trace',
      { arrivals: { process: 'replay', timestamps: [1, 2, 3] }, warmup: { duration: '1s' } },
      'stop',
      'leaves an empty window',
    ],
  ])('%s', async (_, scenario, path, said) => {
    const error = await fault(scenario)
    expect(error.path).toBe(path)
    expect(error.message).toContain(said)
  })
})

describe('the default spin', () => {
  it.each([
    // cores, nanoseconds
    [1, 0],
    [2, 60_000],
    [8, 60_000],
  ])('on %i cores: %i ns', (cores, spinNs) => {
    expect(resolveOptions({}, cores).spinNs).toBe(spinNs)
    expect(resolveOptions({ spin: '1ms' }, cores).spinNs).toBe(1e6)
  })
})

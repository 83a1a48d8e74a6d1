import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { MeasureError } from '../../src/measure/error.js'
import { measure } from '../../src/measure/measure.js'
import type { MeasureOptions } from '../../src/measure/options.js'
import { closed, constant } from '../../src/scenario/arrivals/arrivals.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { atLength } from '../support/at-length.js'
import { expectToAddUp } from '../support/expect/adds-up.js'

const handler = (name: string) => new URL(`./handlers/${name}`, import.meta.url)
const path = (name: string) => fileURLToPath(handler(name))
const run = (name: string, scenario: Partial<ScenarioParts> = {}, options: MeasureOptions = {}) =>
  measure({ arrivals: '1000/s', stop: { requests: 100 }, handler: handler(name), ...scenario }, options)

/** The error that a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<MeasureError> {
  const error = await promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(MeasureError)
  return error as MeasureError
}

describe('a handler that cannot start fails the run, and the error names its file and what is accepted', () => {
  it('is missing', async () => {
    const { message } = await failure(run('nowhere.ts'))
    expect(message).toBe(`handler ${handler('nowhere.ts').href}: there is no such file`)
    const relative = await failure(measure({ arrivals: 1, handler: './nowhere.ts' }))
    expect(relative.message).toBe(
      'handler ./nowhere.ts: there is no such file (a relative path is resolved against the working directory)',
    )
    expect((await failure(measure({ arrivals: 1, handler: 'test/measure' }))).message).toContain('a file, not a folder')
    expect((await failure(measure({ arrivals: 1, handler: 'https://localhost/x.js' }))).message).toContain(
      'must be a file URL or a path',
    )
  })

  it.each([
    ['no-default.js', 'it has no default export; accepted: a function'],
    ['not-a-handler.js', 'its default export is not a handler, got {"answers":42}; accepted: '],
    ['throws-at-load.js', 'it could not be loaded: the model file is corrupt'],
    ['throws-in-setup.js', 'its setup threw: no such model'],
  ])('%s', async (name, said) => {
    const { message, cause } = await failure(run(name))
    expect(message).toContain(`handler ${path(name)}: ${said}`)
    expect(message).toContain((cause as Error).message)
  })

  it('is not ready in time', async () => {
    const { message } = await failure(run('hangs-in-setup.js', {}, { setupTimeout: '1500ms' }))
    expect(message).toBe(
      `handler ${path('hangs-in-setup.js')}: not ready within 1500 ms (setupTimeout): its module or its setup hangs`,
    )
  })
})

describe('a failed request is counted, and the run continues', () => {
  it('by itself, with an Error among the outputs', async () => {
    const { counts, latencyMs, validity } = await run('some-fail.js', { batching: { maxBatchSize: 4 } })
    // the warm-up is of 10 requests
    expect(counts).toMatchObject({ offered: 90, completed: 81, failed: 9, unfinished: 0 })
    expect(latencyMs.count).toBe(81)
    expect(validity.findings).toContainEqual({
      code: 'failures',
      severity: 'warning',
      message: '9 of 90 requests failed, the first with: no answer to 3',
      figures: { failed: 9, offered: 90 },
    })
  })

  it('with its batch, which throws every third time', async () => {
    // a client that waits for each response, so that every batch starts in the window, on a busy machine too
    const scenario = { arrivals: closed({ clients: 1, thinkTime: '1ms' }), stop: { requests: 90 } }
    const { counts, rates, batches, validity } = await run('throws-every-third.js', {
      ...scenario,
      warmup: { requests: 0 },
    })
    expect(counts).toMatchObject({ offered: 90, completed: 60, failed: 30, unfinished: 0 })
    expect(rates.error).toBeCloseTo(1 / 3, 9)
    // a batch that fails is a batch all the same
    expect(batches.count).toBe(90)
    expect(validity.findings.map(({ message }) => message).join()).toContain('batch 3 is one too many')
  })

  it('with its batch, which takes longer than batchTimeout: its signal aborts, and the server continues', async () => {
    const { counts, validity } = await run('sometimes-hangs.js', { stop: { requests: 40 } }, { batchTimeout: '50ms' })
    expect(counts.completed + counts.failed).toBe(36)
    expect(counts.completed).toBe(28)
    expect(counts.failed).toBe(8)
    expect(validity.findings.map(({ message }) => message).join()).toContain('took longer than 50 ms (batchTimeout)')
  })
})

describe('a run in which nothing completed throws, with the counts and the first failure', () => {
  it.each([
    ['wrong-number.js', 'run must return one output for each request, got 0 for a batch of 1'],
    ['no-array.js', 'run must return an array with one output for each request, got a string'],
  ])('%s', async (name, said) => {
    const { message, cause } = await failure(run(name))
    expect(message).toContain(handler(name).href)
    expect(message).toContain('90 offered, 90 failed')
    expect(message).toContain(said)
    expect((cause as Error).message).toBe(said)
  })

  it('never resolves', async () => {
    const { message } = await failure(run('hangs.js', { stop: { requests: 20 } }, { batchTimeout: '20ms' }))
    expect(message).toContain('18 offered, 18 failed')
    expect(message).toContain('run took longer than 20 ms (batchTimeout)')
  })
})

describe('a handler that ends or blocks its thread', () => {
  afterEach(() => {
    delete process.env.THROUGHLINE_TEST_DEATH
  })

  const deaths = [
    ['exit', 'worker exited with code: 3'],
    ['block', 'blocked its thread with a batch of 1 for longer than batchTimeout (300 ms)'],
    ['reject', 'nobody caught this'],
    ['throw', 'thrown from a timer'],
  ] as const
  it.each(deaths.slice(0, atLength(deaths.length)))(
    'fails its requests in service, and the other server continues: %s',
    { tags: 'at-length' },
    async (death, said) => {
      process.env.THROUGHLINE_TEST_DEATH = death
      const options = death === 'block' ? { batchTimeout: '300ms' } : {}
      const result = await run('dies.js', { servers: 2, stop: { requests: 400 } }, options)
      expectToAddUp(result)
      const { counts, validity } = result
      expect(counts).toMatchObject({ offered: 360, completed: 359, failed: 1, unfinished: 0 })
      const finding = validity.findings.find(({ code }) => code === 'server-died')
      expect(finding).toMatchObject({ severity: 'warning', figures: { died: 1, servers: 2, requests: 1 } })
      expect(finding?.message).toMatch(/^server [12] ended after \S+ s, with 1 request in service: /)
      expect(finding?.message).toContain(said)
      expect(finding?.message).toContain('The other 1 continued')
      const failures = validity.findings.find(({ code }) => code === 'failures')
      expect(failures?.message).toContain(said)
    },
  )

  it('ends the window if no server is left: the other requests are unfinished', async () => {
    process.env.THROUGHLINE_TEST_DEATH = 'exit'
    const result = await run('dies.js', { stop: { duration: '30s' }, warmup: { requests: 20 } })
    expectToAddUp(result)
    const { counts, validity, window } = result
    expect(validity.valid).toBe(false)
    expect(window.endMs).toBeLessThan(30_000)
    expect(counts).toMatchObject({ completed: 180, failed: 1 })
    expect(counts.offered).toBe(181 + counts.unfinished)
    const codes = validity.findings.map(({ code }) => code)
    expect(codes).toContain('server-died')
    expect(codes).not.toContain('saturated')
    if (counts.unfinished > 0) expect(codes).toContain('cut-off')
    expect(validity.findings.find(({ code }) => code === 'server-died')?.message).toContain('No server was left')
  })

  const ends = [
    ['exits.js', 'worker exited with code: 3'],
    ['blocks.js', 'blocked its thread with a batch of 1 for longer than batchTimeout (100 ms)'],
    ['fails-later.js', 'thrown from a timer'],
  ] as const
  it.each(ends.slice(0, atLength(ends.length)))(
    'fails the run if nothing completed in its window: %s',
    { tags: 'at-length' },
    async (name, said) => {
      const scenario = { stop: { duration: '20s' }, servers: 2 } as const
      const { message, cause } = await failure(run(name, scenario, { batchTimeout: '100ms' }))
      expect(message).toContain(`${name}: `)
      expect(message).toContain('no server was left')
      expect(message).toContain(said)
      expect((cause as Error).message).toContain(said)
    },
  )
})

describe('a signal', () => {
  it('that is already aborted starts nothing', async () => {
    const reason = new Error('not now')
    await expect(run('numbers.js', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('ends a run at once, even one that hangs or blocks', async () => {
    for (const name of ['numbers.js', 'blocks.js']) {
      const controller = new AbortController()
      const reason = new Error('enough')
      const start = performance.now()
      const aborted = run(
        name,
        { stop: { duration: '60s' } },
        {
          signal: controller.signal,
          onProgress: ({ timeMs }) => {
            if (timeMs > 50) controller.abort(reason)
          },
        },
      )
      await expect(aborted).rejects.toBe(reason)
      expect(performance.now() - start).toBeLessThan(20_000)
    }
  })
})

it('an onProgress that throws ends the run with its error', async () => {
  const error = new Error('the terminal is gone')
  const progress = run(
    'numbers.js',
    { stop: { duration: '60s' } },
    {
      onProgress: () => {
        throw error
      },
    },
  )
  await expect(progress).rejects.toBe(error)
})

it('throwOnInvalid rejects an invalid result', async () => {
  // a batch of one takes 5 ms: 200/s at most
  const scenario = { arrivals: '1000/s', stop: { requests: 200 } }
  const error = await failure(run('delay.js', scenario, { throwOnInvalid: true }))
  expect(error.message).toContain('saturated: ')
  expect(error.result?.validity.valid).toBe(false)
  expect(error.result?.counts.completed).toBe(180)
})

it('a signal is heard while a run of very many requests is planned, and while many threads start', {
  tags: 'full',
}, async () => {
  const reason = new Error('enough')
  const aborted = (scenario: Partial<ScenarioParts>) => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 20)
    return run('numbers.js', scenario, { signal: controller.signal })
  }
  const start = performance.now()
  await expect(aborted({ arrivals: '10000/s', stop: { requests: 1_000_000_000 } })).rejects.toBe(reason)
  await expect(aborted({ servers: 200, stop: { duration: '60s' } })).rejects.toBe(reason)
  // each would take many seconds to finish
  expect(performance.now() - start).toBeLessThan(20_000)
})

it('a thread ends at an uncaught error: every request is counted once', { tags: 'full' }, async () => {
  for (let i = 0; i < 3; i++) {
    const result = await run('throws-uncaught.js', {
      arrivals: constant('300/s'),
      servers: 2,
      stop: { requests: 50 },
      warmup: { requests: 0 },
    })
    expectToAddUp(result)
    const died = result.validity.findings.find(({ code }) => code === 'server-died')
    expect(died?.message).toContain('thrown in a microtask')
  }
})

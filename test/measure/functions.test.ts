import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MeasureError } from '../../src/measure/error.js'
import { measure } from '../../src/measure/measure.js'
import type { MeasureOptions } from '../../src/measure/options.js'
import { closed, constant } from '../../src/scenario/arrivals/arrivals.js'
import { defineHandler } from '../../src/scenario/handler.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import type { Call } from '../../src/scenario/target.js'
import { simulate } from '../../src/simulate/simulate.js'
import { ValidationError } from '../../src/validation/validation-error.js'
import { atLength } from '../support/at-length.js'
import { expectServed, expectToAddUp } from '../support/expect/adds-up.js'

// These assertions hold on a slow or busy machine, which may delay anything for long.

const all = { stop: { requests: 200 }, warmup: { requests: 0 } }
const calls = (
  call: Call,
  scenario: Partial<Omit<Scenario, 'handler' | 'call' | 'http'>> = {},
  options: MeasureOptions = {},
) => measure({ arrivals: '1000/s', ...all, ...scenario, call }, options)

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

/** Blocks this thread. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

describe('call, one request at a time in this process', () => {
  it('is called once for each request of the schedule, with its index, without a limit in flight', async () => {
    const seen: number[] = []
    let inFlight = 0
    let most = 0
    const result = await calls(async function saveOrder(index) {
      seen.push(index)
      most = Math.max(most, ++inFlight)
      await delay(30)
      inFlight--
    })
    expectToAddUp(result)
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => index))
    // a thousand a second that take 30 ms each
    expect(most).toBeGreaterThan(5)
    expect(result.counts).toMatchObject({ offered: 200, completed: 200 })
    expect(result.scenario?.servers).toBeNull()
    expect(result.utilization).toBeNull()
    expect(result.serviceMs.min).toBeGreaterThanOrEqual(29)
    // there is always room for one more
    expect(result.queueingMs.max).toBe(0)
    expect(result.scenario?.call).toEqual({ function: 'saveOrder', rerunnable: false })
    // the very requests of a simulation
    const { window } = simulate({ arrivals: '1000/s', ...all, service: 0 })
    expect(result.window.endMs).toBe(window.endMs)
  })

  it('has no more in flight than servers, and counts waiting for one as queueing', async () => {
    let inFlight = 0
    let most = 0
    const result = await calls(
      async () => {
        most = Math.max(most, ++inFlight)
        await delay(5)
        inFlight--
      },
      { servers: 3, arrivals: '2000/s' },
    )
    expectToAddUp(result)
    expect(most).toBe(3)
    expect(result.counts.completed).toBe(200)
    expect(result.queueingMs.max).toBeGreaterThan(0)
    expectServed(result, 4)
  })

  it('takes a function that returns at once', async () => {
    const result = await calls(() => 'done', { arrivals: '4000/s' })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(200)
  })

  it('counts the delay of a blocked event loop from the due time, as lag', async () => {
    const result = await calls(
      (index) => {
        if (index === 50) block(400)
      },
      { arrivals: constant('200/s') },
    )
    expectToAddUp(result)
    expect(result.counts.completed).toBe(200)
    // the blocker, and the 79 that were due while it blocked: the first of them waited longest
    expect(result.latencyMs.max).toBeGreaterThanOrEqual(400)
    expect(result.lagMs.max).toBeGreaterThanOrEqual(390)
    // evenly from 0 to 400 ms: half of the 80 of 200 requests waited more than 200 ms
    expect(result.latencyMs.p90).toBeGreaterThanOrEqual(200)
    expect(result.lagMs.p90).toBeGreaterThanOrEqual(199)
    expect(result.fromSendMs?.p90).toBeLessThan(199)
    expect(result.validity.findings.map(({ code }) => code)).toContain('event-loop-late')
  })

  it('counts a call that throws or rejects as failed, and continues', async () => {
    const result = await calls((index) => {
      if (index % 4 === 1) throw new Error(`no stock for ${index}`)
      if (index % 4 === 2) return Promise.reject(new Error('rejected'))
      return index % 4 === 3 ? new Error('answered with an error') : index
    })
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ offered: 200, completed: 50, failed: 150, unfinished: 0 })
    expect(result.validity.findings).toContainEqual({
      code: 'failures',
      severity: 'warning',
      message: '150 of 200 requests failed, the first with: no stock for 1',
      figures: { failed: 150, offered: 200 },
    })
  })

  it('awaits thenables as `await` does, and survives errors that cannot be formatted', async () => {
    const hostile = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw new Error('no prototype')
        },
      },
    )
    const thenable = (then: (settle: (value: unknown) => void) => void) => ({ then })
    const answers: (() => unknown)[] = [
      () => 1,
      () => thenable((settle) => settle(2)),
      () => thenable((settle) => settle(Promise.reject(new Error('inside')))),
      () => thenable(() => void Promise.reject(new Error('inside')).catch(() => {})),
      () => {
        throw Object.create(null)
      },
      () => {
        throw hostile
      },
      () => Promise.resolve(hostile),
      () => hostile,
    ]
    const result = await calls(
      (index) => (answers[index] as () => unknown)(),
      { stop: { requests: answers.length } },
      {
        batchTimeout: '1s',
      },
    )
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ offered: 8, completed: 2, failed: 6 })
  })

  it('aborts a call that hangs, and leaves the others alone', async () => {
    const reasons: string[] = []
    const result = await calls(
      (index, { signal }) => {
        if (index % 50 !== 7) return index
        signal.addEventListener('abort', () => reasons.push(signal.reason.message))
        return new Promise(() => {})
      },
      {},
      { batchTimeout: '300ms' },
    )
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ completed: 196, failed: 4, unfinished: 0 })
    expect(reasons).toEqual(new Array(4).fill('call took longer than 300 ms (batchTimeout)'))
  })

  it('throws if nothing completed, with the counts and the first failure', async () => {
    const error = await failure(
      calls(
        function pay() {
          throw new Error('no connection')
        },
        { arrivals: '4000/s' },
      ),
    )
    expect(error).toBeInstanceOf(MeasureError)
    expect(error.message).toContain('call pay: no request due in the window completed')
    expect(error.message).toContain('200 offered, 200 failed')
    expect((error.cause as Error).message).toBe('no connection')
  })

  it('ends at once if aborted, and aborts calls in flight', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    let aborted = 0
    const run = calls(
      (index, { signal }) => {
        signal.addEventListener('abort', () => aborted++)
        if (index === 20) controller.abort(reason)
        return new Promise(() => {})
      },
      { stop: { duration: '60s' }, warmup: { duration: 0 } },
      { signal: controller.signal },
    )
    await expect(run).rejects.toBe(reason)
    expect(aborted).toBeGreaterThanOrEqual(21)
  })
})

describe('handler, a function that serves batches in this process', () => {
  it('receives the batches that the policy releases, one in flight at a time', async () => {
    let inFlight = 0
    let most = 0
    const batches: number[][] = []
    const result = await measure({
      arrivals: '2000/s',
      ...all,
      batching: { maxBatchSize: 8, maxWait: '5ms' },
      handler: async function infer(batch) {
        most = Math.max(most, ++inFlight)
        batches.push([...batch])
        await delay(2)
        inFlight--
        return batch.map((index) => index + 1)
      },
    })
    expectToAddUp(result)
    expect(most).toBe(1)
    expect(batches.flat()).toEqual(Array.from({ length: 200 }, (_, index) => index))
    expect(batches.length).toBeLessThan(200)
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(8)
    // those that started in the window: on a busy machine most may start after it
    const { count, sizes } = result.batches
    expect(count).toBeLessThanOrEqual(batches.length)
    expect(Object.keys(sizes).filter((size) => Number(size) > 8)).toEqual([])
    expect(result.scenario?.handler).toEqual({ function: 'infer', rerunnable: false })
    expect(result.scenario?.servers).toBe(1)
  })

  it('may have several in flight', async () => {
    let inFlight = 0
    let most = 0
    const result = await measure({
      arrivals: '4000/s',
      ...all,
      batching: { maxBatchSize: 4 },
      servers: 2,
      handler: async (batch) => {
        most = Math.max(most, ++inFlight)
        await delay(4)
        inFlight--
        return batch
      },
    })
    expectToAddUp(result)
    expect(most).toBe(2)
    expect(result.utilization).toBeLessThanOrEqual(1)
    expectServed(result, 3)
  })

  it('is set up before time 0, reuses its inputs in turn, and is torn down', async () => {
    const called: string[] = []
    const result = await measure({
      arrivals: '2000/s',
      ...all,
      batching: { maxBatchSize: 4 },
      handler: defineHandler({
        setup: async () => {
          called.push('setup')
          return { factor: 3 }
        },
        input: (index) => `payload ${index}`,
        inputs: 2,
        run: (batch, { state }) =>
          batch.map((text) => (/^payload [01]$/.test(text) && state.factor === 3 ? text : new Error(text))),
        teardown: ({ factor }) => called.push(`teardown ${factor}`),
      }),
    })
    expect(result.counts.completed).toBe(200)
    expect(called).toEqual(['setup', 'teardown 3'])
  })

  it.each([
    ['too few outputs', () => [], 'run must return one output for each request, got 0 for a batch of 1'],
    ['no list', () => 'garbage' as never, 'run must return an array with one output for each request, got a string'],
    ['nothing', () => undefined as never, 'got nothing'],
    [
      'promises of outputs',
      (batch: number[]) => batch.map(async (each) => each) as never,
      'not promises; await them first',
    ],
  ])('that returns %s fails', async (_, run, said) => {
    const error = await failure(measure({ arrivals: '4000/s', ...all, handler: run }))
    expect(error.message).toContain('200 offered, 200 failed')
    expect((error.cause as Error).message).toContain(said)
  })

  it.concurrent('ends the run if its setup fails, or if its setup or teardown hangs', async ({ expect }) => {
    const run = (batch: number[]) => batch
    const set = (parts: object, options = {}) =>
      failure(measure({ arrivals: '1000/s', ...all, handler: { run, ...parts } }, options))
    const thrown = await set({
      setup: () => {
        throw new Error('no model')
      },
    })
    expect(thrown.message).toBe('handler run: its setup threw: no model')
    expect((thrown.cause as Error).message).toBe('no model')
    const hangs = { setupTimeout: '4s' }
    const [setup, teardown] = await Promise.all([
      set({ setup: () => new Promise(() => {}) }, hangs),
      set({ teardown: () => new Promise(() => {}) }, hangs),
    ])
    expect(setup.message).toContain('its setup hangs')
    expect(teardown.message).toContain('its teardown hangs')
  })
})

describe('an invalid target is rejected', () => {
  const refused: [string, Record<string, unknown>, string, RegExp][] = [
    ['none', {}, 'handler', /is required to measure/],
    ['two', { handler: () => [], call: () => 1 }, 'call', /cannot be combined with handler; a scenario has one target/],
    [
      'two, one of them a URL',
      { call: () => 1, http: { url: 'http://127.0.0.1' } },
      'http',
      /cannot be combined with call/,
    ],
    ['an invalid call', { call: 'saveOrder' }, 'call', /must be a function \(index, \{ signal \}\).*got "saveOrder"/],
    ['an invalid handler', { handler: 5 }, 'handler', /must be the URL or path of a module, or a function/],
    [
      'an object without run',
      { handler: { setup() {} } },
      'handler',
      /must be the URL or path of a module, or a function/,
    ],
    [
      'batches for call',
      { call: () => 1, batching: { maxBatchSize: 8 } },
      'batching.maxBatchSize',
      /must be 1 because call.*got 8/,
    ],
    ['no limit for a handler', { handler: () => [], servers: null }, 'servers', /got null; only call, and http/],
    ['what a Result kept', { call: { function: 'saveOrder', rerunnable: false } }, 'call', /is only a name/],
  ]
  it.each(refused)('%s', async (_, scenario, path, said) => {
    const error = await failure(measure({ arrivals: '100/s', ...scenario } as Scenario))
    expect(error).toBeInstanceOf(ValidationError)
    expect((error as ValidationError).path).toBe(path)
    expect(error.message).toMatch(said)
  })
})

it('a scenario with both a call and a service is simulated, with one server', () => {
  const scenario: Scenario = { arrivals: '50/s', service: '10ms', call: () => 1, stop: { requests: 1000 } }
  const result = simulate(scenario)
  expect(result.scenario?.servers).toBe(1)
  expect(result.scenario?.call).toEqual({ function: 'call', rerunnable: false })
  // and so is what a Result has kept of it
  expect(simulate(JSON.parse(JSON.stringify(result.scenario)))).toEqual(result)
  expect(() => simulate({ ...scenario, servers: null })).toThrow(
    /servers: must be a whole number.*got null; a simulation needs a number of servers/,
  )
})

describe('clients that do not think, in a queue that turns them away', () => {
  const stuck = {
    arrivals: closed({ clients: 10, thinkTime: 0 }),
    queue: { capacity: 5 },
    servers: 1,
    stop: { duration: '100ms' },
  } as const

  const targets: [string, object][] = [
    ['a function that answers at once', { handler: (batch: number[]) => batch }],
    ['a function that answers later', { handler: async (batch: number[]) => batch }],
    ['a call', { call: async () => 1 }],
    ['a handler module', { handler: new URL('./handlers/numbers.js', import.meta.url) }],
  ]
  it.each(targets.slice(0, atLength(targets.length)))(
    'are refused, as time stands still: %s',
    { tags: 'at-length' },
    async (_, target) => {
      const error = await measure({ ...stuck, ...target } as Scenario).catch((thrown: unknown) => thrown)
      expect((error as Error).message).toMatch(/thinkTime.*must be above 0 here/)
    },
  )
})

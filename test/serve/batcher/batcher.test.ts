import { describe, expect, expectTypeOf, it } from 'vitest'
import { BatcherError, createBatcher, defineHandler, type RecorderSink, ValidationError } from '../../../src/index.js'

const tick = () => new Promise((resolve) => setImmediate(resolve))
const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const settle = async (calls: Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((each) => (each.status === 'fulfilled' ? each.value : each.reason))

/** A handler that returns when the test calls `answer`. */
function held() {
  const batches: number[][] = []
  const answers: (() => void)[] = []
  const handler = (batch: number[]) => {
    batches.push(batch)
    return new Promise<number[]>((resolve) => answers.push(() => resolve(batch)))
  }
  const answer = async () => {
    // a batch may start in a macrotask
    while (answers.length === 0) await tick()
    answers.shift()?.()
  }
  return { batches, handler, answer }
}

describe('createBatcher', () => {
  it('gives each call its own output or its own error', async () => {
    const batches: string[][] = []
    const failure = new RangeError('no number')
    const batcher = createBatcher(
      (batch: string[]) => {
        batches.push(batch)
        return batch.map((text) => (text === '' ? failure : Number(text)))
      },
      { batching: { maxBatchSize: 3, maxWait: '1s' } },
    )
    expectTypeOf(batcher.run).parameter(0).toEqualTypeOf<string>()
    expectTypeOf(batcher.run).returns.resolves.toEqualTypeOf<number>()
    expect(await settle([batcher.run('1'), batcher.run(''), batcher.run('3')])).toEqual([1, failure, 3])
    expect(batches).toEqual([['1', '', '3']])
  })

  it('infers the types of inputs and outputs, and sets the handler up once', async () => {
    let setups = 0
    const torn: unknown[] = []
    const handler = defineHandler({
      setup: async () => ({ factor: 10, setups: ++setups }),
      input: (index) => index,
      run: (batch, { state }) => batch.map((each) => each * state.factor),
      teardown: (state) => void torn.push(state),
    })
    const batcher = createBatcher(handler, { batching: { maxBatchSize: 8 }, servers: 2 })
    expectTypeOf(batcher.run).parameter(0).toEqualTypeOf<number>()
    expectTypeOf(batcher.run).returns.resolves.toEqualTypeOf<number>()
    // calls made before it is ready wait
    expect(await Promise.all([1, 2, 3].map((each) => batcher.run(each)))).toEqual([10, 20, 30])
    await batcher.ready()
    await batcher.close()
    expect([setups, torn]).toEqual([1, [{ factor: 10, setups: 1 }]])
  })

  it.each([[{}], [{ batching: {} }], [{ batching: { maxWait: 0 } }]])('batches by default: %j', async (o) => {
    const sizes: number[] = []
    const batcher = createBatcher(async (batch: number[]) => {
      sizes.push(batch.length)
      await tick()
      return batch
    }, o)
    await Promise.all(Array.from({ length: 100 }, (_, i) => batcher.run(i)))
    // the first leaves alone, then those that wait, up to 32
    expect(sizes).toEqual([1, 32, 32, 32, 3])
    expect(batcher.recorder?.scenario().batching).toEqual({ maxBatchSize: 32, maxWait: 0 })
    await batcher.close()
  })

  it('refuses a maxWait without a maxBatchSize', () => {
    const make = (batching: object) => () => createBatcher((batch: number[]) => batch, { batching })
    expect(make({ maxWait: '2ms' })).toThrow(
      'batching.maxBatchSize: is required with maxWait: the largest number of requests in a batch, such as 32; null for no limit',
    )
    for (const maxBatchSize of [1, 16, null]) expect(make({ maxWait: '2ms', maxBatchSize })).not.toThrow()
    expect(make({ maxWait: '2ms', maxBatch: 4 })).toThrow(/'maxBatch' is not an option here/)
  })

  it('batches the calls of one loop for a synchronous handler', async () => {
    const sizes: number[] = []
    const batcher = createBatcher(
      (batch: number[]) => {
        sizes.push(batch.length)
        return batch
      },
      { batching: { maxBatchSize: null } },
    )
    await Promise.all(Array.from({ length: 100 }, (_, i) => batcher.run(i)))
    // as in a simulation: the first leaves alone, the others when it has been served
    expect(sizes).toEqual([1, 99])
  })

  it('lets timers run between batches of a handler that blocks', async () => {
    let ran = 0
    const batcher = createBatcher((batch: number[]) => {
      const until = performance.now() + 2
      while (performance.now() < until);
      ran++
      return batch
    })
    const calls = Array.from({ length: 30 }, (_, i) => batcher.run(i))
    await tick()
    expect(ran).toBeLessThan(30)
    await Promise.all(calls)
  })

  it('rejects at once if the queue is full', async () => {
    const { handler, answer } = held()
    const batcher = createBatcher(handler, { queue: { capacity: 1 } })
    const [first, second] = [batcher.run(1), batcher.run(2)]
    await expect(batcher.run(3)).rejects.toMatchObject({
      name: 'BatcherError',
      code: 'QUEUE_FULL',
      statusCode: 503,
      message: 'the queue is full: 1 waiting',
    })
    await tick()
    expect([batcher.waiting, batcher.inService]).toEqual([1, 1])
    await answer()
    await tick()
    await answer()
    expect(await Promise.all([first, second])).toEqual([1, 2])
  })

  it('admits calls that would not be rejected, throws for the others and counts them', async () => {
    const { handler, answer } = held()
    const batcher = createBatcher(handler, { queue: { capacity: 1 } })
    const first = batcher.run(1)
    batcher.admit()
    const second = batcher.run(2)
    expect(() => batcher.admit()).toThrow(expect.objectContaining({ code: 'QUEUE_FULL', statusCode: 503 }))
    expect(batcher.recorder?.totals()).toMatchObject({ offered: 3, rejected: 1 })
    await tick()
    await answer()
    await tick()
    batcher.admit()
    await answer()
    expect(await Promise.all([first, second])).toEqual([1, 2])
    await batcher.close()
    expect(() => batcher.admit()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(batcher.recorder?.totals()).toMatchObject({ offered: 3, rejected: 1 })
  })

  it('times out a call that waits too long, and never runs it', async () => {
    const { handler, answer, batches } = held()
    const batcher = createBatcher(handler, { queue: { timeout: '1h' } })
    const first = batcher.run(1)
    await expect(batcher.run(2, { timeout: '5ms' })).rejects.toMatchObject({ code: 'QUEUE_TIMEOUT', statusCode: 503 })
    await answer()
    await first
    await batcher.close()
    expect(batches).toEqual([[1]])
  })

  it('gives up a call whose signal is aborted', async () => {
    const { handler, answer, batches } = held()
    const batcher = createBatcher(handler)
    const controller = new AbortController()
    const reason = new Error('gone')
    const calls = [1, 2, 3].map((input) => batcher.run(input, input === 3 ? {} : { signal: controller.signal }))
    await tick()
    controller.abort(reason)
    expect(await settle([...calls.slice(0, 2), batcher.run(4, { signal: controller.signal })])).toEqual([
      reason,
      reason,
      reason,
    ])
    await answer()
    await tick()
    await answer()
    expect(await calls[2]).toBe(3)
    expect(batches).toEqual([[1], [3]])
  })

  it('causes no leak warning if many calls share a signal', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const batcher = createBatcher((batch: number[]) => batch, { batching: { maxBatchSize: 100 } })
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 500 }, (_, i) => batcher.run(i, { signal })))
    await tick()
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  it('fails a batch that takes longer than batchTimeout, and aborts its signal', async () => {
    const reasons: unknown[] = []
    const batcher = createBatcher(
      (batch: number[], { signal }) => {
        if (batch[0] !== 1) return batch
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        return new Promise<number[]>(() => {})
      },
      { batchTimeout: '20ms' },
    )
    const [first, second] = await settle([batcher.run(1), batcher.run(2)])
    expect(first).toMatchObject({
      message: 'run took longer than 20 ms (batchTimeout)',
      code: 'BATCH_TIMEOUT',
      statusCode: 504,
    })
    expect(second).toBe(2)
    expect(reasons).toEqual([first])
  })

  it('drains when it is closed, without waiting for a batch to fill', async () => {
    const { handler, answer, batches } = held()
    const batcher = createBatcher(handler, { batching: { maxBatchSize: 4, maxWait: '1h' } })
    const calls = [batcher.run(1), batcher.run(2)]
    const closed = batcher.close()
    expect(batcher.closed).toBe(true)
    await expect(batcher.run(3)).rejects.toMatchObject({ code: 'CLOSED', statusCode: 503 })
    await expect(batcher.ready()).rejects.toMatchObject({ code: 'CLOSED' })
    await tick()
    await answer()
    await closed
    expect(await Promise.all(calls)).toEqual([1, 2])
    expect(batches).toEqual([[1, 2]])
    await batcher.close()
  })

  it('rejects what is left when closing takes too long', async () => {
    const { handler } = held()
    const batcher = createBatcher(handler)
    const calls = settle([batcher.run(1), batcher.run(2)])
    await tick()
    await batcher.close({ timeout: '10ms' })
    const outcomes = (await calls) as BatcherError[]
    expect(outcomes.map(({ code }) => code)).toEqual(['CLOSED', 'CLOSED'])
    expect([batcher.waiting, batcher.inService]).toEqual([0, 0])
  })

  it('closes when it is disposed', async () => {
    const torn: number[] = []
    const batcher = createBatcher(defineHandler({ run: (batch) => batch, teardown: () => torn.push(1) }))
    await batcher[Symbol.asyncDispose]()
    expect([batcher.closed, torn]).toEqual([true, [1]])
  })

  it('rejects with what a teardown threw', async () => {
    const failure = new Error('still open')
    const handler = defineHandler({
      run: (batch) => batch,
      teardown: () => {
        throw failure
      },
    })
    await expect(createBatcher(handler).close()).rejects.toBe(failure)
  })

  it('rejects if a teardown takes longer than setupTimeout', async () => {
    const handler = defineHandler({ run: (batch) => batch, teardown: () => new Promise(() => {}) })
    const batcher = createBatcher(handler, { setupTimeout: '20ms' })
    await expect(batcher.close()).rejects.toThrow('the handler took longer than 20 ms (setupTimeout): it hangs')
  })

  it('rejects all waiting calls if setup fails, and tries again later', async () => {
    let fails = true
    const handler = defineHandler({
      setup: () => {
        if (fails) throw new Error('no model')
        return 1
      },
      run: (batch, { state }) => batch.map((each) => each + state),
    })
    const batcher = createBatcher(handler, { servers: 2 })
    const [call, ready] = await settle([batcher.run(1), batcher.ready()])
    expect(call).toMatchObject({ message: 'the handler: its setup threw: no model' })
    expect(ready).toMatchObject({ message: 'the handler: its setup threw: no model' })
    // at once, too early to try again
    await expect(batcher.run(1)).rejects.toThrow('no model')
    fails = false
    await batcher.ready()
    expect(await batcher.run(1)).toBe(2)
  })

  it.each([
    ['fewer outputs', () => [1], 'run must return one output for each request, got 1 for a batch of 2'],
    ['more outputs', () => [1, 2, 3], 'run must return one output for each request, got 3 for a batch of 2'],
    [
      'no array',
      () => 7 as unknown as number[],
      'run must return an array with one output for each request, got a number',
    ],
    ['nothing', () => undefined as unknown as number[], 'got nothing'],
    [
      'promises of outputs, even if they reject',
      (batch: number[]) => batch.map((each) => Promise.reject(new Error(`ignored ${each}`))) as unknown as number[],
      'run must return outputs, not promises; await them first: Promise.all(outputs)',
    ],
    [
      'outputs that cannot be read',
      (batch: number[]) =>
        Object.defineProperty([...batch], 1, {
          get() {
            throw new Error('not to be read')
          },
        }),
      'not to be read',
    ],
  ])('refuses %s', async (_, handler, message) => {
    const batcher = createBatcher(handler, { batching: { maxBatchSize: 2, maxWait: 50 } })
    for (const outcome of await settle([batcher.run(1 as never), batcher.run(2 as never)])) {
      expect(outcome).toBeInstanceOf(BatcherError)
      expect(outcome).toMatchObject({ code: 'BAD_OUTPUT', statusCode: 500, message: expect.stringContaining(message) })
    }
  })

  it('rejects all calls of a batch with what its handler throws, and continues', async () => {
    const failure = new Error('no database')
    const batcher = createBatcher(
      (batch: number[]) => {
        if (batch.includes(1)) throw failure
        return batch
      },
      { batching: { maxBatchSize: 2, maxWait: 50 } },
    )
    expect(await settle([batcher.run(1), batcher.run(2), batcher.run(3), batcher.run(4)])).toEqual([
      failure,
      failure,
      3,
      4,
    ])
  })

  it.each([
    [
      { batching: { maxWait: null } },
      'batching.maxWait: must be a duration, got null: a full batch may never come in a live',
    ],
    [{ batching: { maxBatchSize: 0 } }, 'batching.maxBatchSize: must be a whole number of at least 1'],
    [{ batching: { maxWait: -1 } }, 'batching.maxWait: must be a duration of 0 or more'],
    [{ servers: 0 }, 'servers: must be a whole number of at least 1 and at most 1,000, got 0'],
    [{ servers: null }, 'servers: must be a whole number of at least 1 and at most 1,000, got null'],
    [{ queue: { capacity: -1 } }, 'queue.capacity: must be a whole number of at least 0'],
    [{ queue: { timeout: 0 } }, 'queue.timeout: must be a duration of 1 ns or more'],
    [{ batchTimeout: 'soon' }, 'batchTimeout: must be a duration of 1 ns or more'],
    [{ recorder: true }, 'recorder: must be a recorder, or false for none, got true'],
    [{ name: 7 }, 'name: must be a string of 1 to 100 characters, got 7'],
    [{ name: 'infer', recorder: false }, 'name: cannot be combined with recorder; pass the name to createRecorder'],
    [
      { maxBatchSize: 4 },
      "'maxBatchSize' is not an option here (did you mean 'batching.maxBatchSize'?); accepted: batching, servers",
    ],
  ])('refuses %j', (options, message) => {
    const make = () => createBatcher((batch: number[]) => batch, options as never)
    expect(make).toThrow(ValidationError)
    expect(make).toThrow(message)
  })

  it.each([
    [7, 'handler: must be the URL or path of a module, or a function'],
    [{ setup: () => 1 }, 'handler: must be the URL or path of a module, or a function'],
    ['./nowhere.js', 'handler: there is no such file (a relative path is resolved against the working directory)'],
    ['https://example.com/x.js', 'handler: it must be a file URL or a path'],
  ])('refuses %j as a handler', (handler, message) => {
    expect(() => createBatcher(handler as never)).toThrow(ValidationError)
    expect(() => createBatcher(handler as never)).toThrow(message)
  })

  it.each([
    [{ timeout: -1 }, 'options.timeout: must be a duration of 1 ns or more'],
    [{ timeout: 'soon' }, 'options.timeout: must be a duration of 1 ns or more'],
    [{ timeout: Number.NaN }, 'options.timeout: must be a duration of 1 ns or more'],
    [{ signal: {} }, 'options.signal: must be an AbortSignal'],
    [
      { timeOut: 5 },
      "options: 'timeOut' is not an option here (did you mean 'timeout'?); accepted: signal, timeout, class",
    ],
    [7, 'options: must be an object of signal, timeout, class'],
    [null, 'options: must be an object of signal, timeout, class'],
    [new Map([['timeout', 5]]), 'options: must be an object of signal, timeout, class, got a Map'],
  ])('rejects a call with %j', async (options, message) => {
    const batcher = createBatcher((batch: number[]) => batch)
    await expect(batcher.run(1, options as never)).rejects.toThrow(message)
    await expect(batcher.run(1, options as never)).rejects.toBeInstanceOf(ValidationError)
  })

  it('rejects a close timeout that is not a duration', async () => {
    const batcher = createBatcher((batch: number[]) => batch)
    await expect(batcher.close({ timeout: -1 })).rejects.toThrow('options.timeout: must be a duration of 0 or more')
    expect(batcher.closed).toBe(false)
  })

  it('gives its name to its recorder', async () => {
    await using batcher = createBatcher((batch: number[]) => batch, { name: 'infer' })
    expect(batcher.recorder?.name).toBe('infer')
  })

  it('answers even if its recorder throws, and warns once', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const broken = () => {
      throw new Error('no room')
    }
    const recorder = { arrived: broken, batch: broken, served: broken, failed: broken }
    const outputs = (batch: number[]) => batch.map((input) => (input === 2 ? new Error('bad item') : input))
    const batcher = createBatcher(outputs, { batching: { maxBatchSize: 3 }, recorder: recorder as never })
    const outcomes = await Promise.allSettled([1, 2, 3].map((input) => batcher.run(input)))
    await batcher.close()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the recorder of a batcher threw, and may be wrong from now on: Error: no room/),
    ])
  })

  it('keeps a maxWait below a millisecond, which no timer can', async () => {
    const waitsMs: number[] = []
    const recorder: RecorderSink = {
      arrived() {},
      batch: (_size, _idleMs, leaveMs, startMs) => waitsMs.push(startMs - leaveMs),
      served() {},
      failed() {},
      rejected() {},
      timedOut() {},
      aborted() {},
    }
    const batcher = createBatcher((batch: number[]) => batch, {
      batching: { maxBatchSize: 8, maxWait: '200us' },
      recorder,
    })
    for (let i = 0; i < 40; i++) {
      const begun = performance.now()
      await batcher.run(i)
      expect(performance.now() - begun).toBeGreaterThanOrEqual(0.2)
    }
    // a timer would be late by 0.8 ms at least
    expect(Math.min(...waitsMs)).toBeLessThan(0.5)
  })

  it('has no timer while it is idle', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate/.test(name)).length
    const before = timers()
    const batcher = createBatcher((batch: number[]) => delay(1).then(() => batch), {
      batching: { maxBatchSize: 4, maxWait: 3 },
      queue: { timeout: '1h' },
      batchTimeout: '1h',
    })
    await Promise.all(Array.from({ length: 10 }, (_, i) => batcher.run(i)))
    expect(timers()).toBeLessThanOrEqual(before)
  })
})

describe('the classes and failures of calls', () => {
  const outputs = (batch: number[]) =>
    batch.map((input) => (input < 0 ? Object.assign(new Error('below 0'), { code: 'E_BELOW' }) : input))

  it('are recorded, and given to the handler', async () => {
    const seen: unknown[] = []
    const batcher = createBatcher(
      (batch: number[], { classes }) => {
        seen.push(classes)
        return outputs(batch)
      },
      { batching: { maxBatchSize: 4, maxWait: '1s' }, classes: ['checkout', 'browse'] },
    )
    await settle([
      batcher.run(1, { class: 'checkout' }),
      batcher.run(-2, { class: 'checkout', timeout: '5s' }),
      batcher.run(3, { class: 'browse' }),
      batcher.run(4),
    ])
    await settle([5, 6, 7, 8].map((input) => batcher.run(input)))
    expect(seen).toEqual([['checkout', 'checkout', 'browse', 'other'], []])
    const { classes = {}, failures } = batcher.recorder?.snapshot() ?? {}
    expect(classes.checkout?.counts).toMatchObject({ offered: 2, completed: 1, failed: 1 })
    expect(classes.browse?.counts).toMatchObject({ offered: 1, completed: 1 })
    expect(classes.other?.counts).toMatchObject({ offered: 5, completed: 5 })
    expect(failures).toEqual({ E_BELOW: 1 })
    await batcher.close()
  })

  it('are recorded of calls that are not served', async () => {
    const { handler, answer } = held()
    const batcher = createBatcher(handler, { queue: { capacity: 1 }, classes: ['checkout', 'browse'] })
    const first = batcher.run(1, { class: 'browse' })
    await tick()
    const aborted = new AbortController()
    const calls = settle([
      batcher.run(2, { class: 'checkout', signal: aborted.signal }),
      batcher.run(3, { class: 'checkout' }),
    ])
    expect(() => batcher.admit({ class: 'browse' })).toThrow(/the queue is full/)
    aborted.abort(new Error('gone'))
    await calls
    const late = settle([batcher.run(4, { class: 'browse', timeout: 1 })])
    await late
    await answer()
    await first
    const { classes } = batcher.recorder?.totals() ?? {}
    expect(classes?.checkout).toMatchObject({ completed: 0, rejected: 1, aborted: 1, timedOut: 0 })
    expect(classes?.browse).toMatchObject({ completed: 1, rejected: 1, aborted: 0, timedOut: 1 })
    await batcher.close()
  })

  it('of a batch that fails as a whole are the kind of what was thrown, or its code', async () => {
    const batcher = createBatcher((batch: number[]) => {
      if (batch.includes(1)) throw new RangeError('too far')
      return batch.includes(2) ? [] : batch
    })
    await settle([1, 2, 3].map((input) => batcher.run(input)))
    await settle([batcher.run(1)])
    await settle([batcher.run(2)])
    expect(batcher.recorder?.totals().failures).toMatchObject({ RangeError: 2 })
    expect(batcher.recorder?.totals().failures.BAD_OUTPUT).toBeGreaterThan(0)
    await batcher.close()
  })

  it('are passed to any recorder sink', async () => {
    const noted: unknown[] = []
    const note =
      (what: string) =>
      (_dueMs: number, ...rest: unknown[]) =>
        noted.push([what, ...rest])
    const recorder: RecorderSink = {
      ...{ arrived: note('arrived'), served: note('served'), failed: note('failed') },
      ...{ rejected: note('rejected'), timedOut: note('timedOut'), aborted: note('aborted') },
      batch() {},
    }
    const batcher = createBatcher(outputs, { recorder })
    await batcher.run(1, { class: 'any' })
    const [failure] = await settle([batcher.run(-1)])
    await batcher.close()
    await settle([batcher.run(1, { class: 'any' })])
    expect(noted).toEqual([
      ['arrived', 'any'],
      ['served', 'any'],
      ['arrived', undefined],
      ['failed', failure, undefined],
    ])
  })

  it.each([
    [{ class: 'chekout' }, /class: must be a class of the recorder, got "chekout" \(did you mean 'checkout'\?\)/],
    [{ class: 5 }, /options.class: must be the name of a class, got 5/],
  ])('are refused if they are %j, and not recorded', async (options, message) => {
    const batcher = createBatcher(outputs, { classes: ['checkout', 'browse'] })
    await expect(batcher.run(1, options as object)).rejects.toThrow(message)
    await expect(batcher.run(1, options as object)).rejects.toThrow(ValidationError)
    expect(() => batcher.admit(options as object)).toThrow(message)
    expect(batcher.recorder?.totals().offered).toBe(0)
    await batcher.close()
  })

  it('are named in one place only', async () => {
    expect(() => createBatcher(outputs, { classes: ['a'], recorder: false })).toThrow(
      'classes: cannot be combined with recorder; pass the classes to createRecorder',
    )
    const batcher = createBatcher(outputs)
    await expect(batcher.run(1, { class: 'checkout' })).rejects.toThrow(/since the recorder has no classes/)
    await batcher.close()
  })
})

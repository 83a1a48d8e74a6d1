import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Batcher, type BatcherOptions, createBatcher } from 'throughline/serve'
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest'

const run = promisify(execFile)
const url = new URL('../handlers/scripted.js', import.meta.url)
const settle = async (calls: Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((each) => (each.status === 'fulfilled' ? each.value : each.reason))
const together = (batcher: Batcher<string | number, number>, inputs: (string | number)[]) =>
  settle(inputs.map((input) => batcher.run(input)))
const make = (options: BatcherOptions = {}) =>
  createBatcher<typeof import('../handlers/scripted.js')>(url, {
    batching: { maxBatchSize: 3, maxWait: '2s' },
    ...options,
  })

describe('a batcher with a module on threads', () => {
  const batcher = make()
  afterAll(() => batcher.close())

  it('has the types of the module', () => {
    expectTypeOf(batcher).toEqualTypeOf<Batcher<string | number, number>>()
    expectTypeOf(() => createBatcher<string, boolean>('./x.js')).returns.toEqualTypeOf<Batcher<string, boolean>>()
    expectTypeOf(() => createBatcher('./x.js')).returns.toEqualTypeOf<Batcher<unknown, unknown>>()
  })

  it('gives each call its own output or error, with its fields', async () => {
    const [one, bad, three] = await together(batcher, [1, 'bad item', 3])
    expect([one, three]).toEqual([2, 6])
    expect(bad).toBeInstanceOf(RangeError)
    expect(bad).toMatchObject({ message: 'bad item', statusCode: 400 })
  })

  it('fails only the call whose input or output cannot be cloned', async () => {
    const outcomes = await together(batcher, [1, (() => 1) as never, 'unsendable'])
    expect(outcomes[0]).toBe(2)
    expect(String(outcomes[1])).toMatch(/could not be cloned/)
    expect(outcomes[2]).toBeInstanceOf(Error)
    expect(String(outcomes[2])).toMatch(/could not be cloned/)
  })

  it('gives the handler the classes of its calls, also if some inputs cannot be sent', async () => {
    const classified = make({ classes: ['checkout', 'browse'] })
    const inputs = ['class', (() => 1) as never, 'class']
    const outcomes = await settle(
      inputs.map((input, i) => classified.run(input, { class: i === 2 ? 'browse' : 'checkout' })),
    )
    await classified.close()
    expect([outcomes[0], outcomes[2]]).toEqual(['checkout', 'browse'])
    expect(classified.recorder?.totals().classes?.checkout).toMatchObject({ completed: 1, failed: 1 })
    expect(classified.recorder?.totals().failures).toEqual({ DataCloneError: 1 })
  })

  it.each([
    ['throw', { name: 'RangeError', message: 'no model', code: 'E_MODEL' }],
    ['few', { code: 'BAD_OUTPUT', statusCode: 500, message: expect.stringContaining('got 0 for a batch of 3') }],
    ['no array', { code: 'BAD_OUTPUT', message: expect.stringContaining('got a number') }],
  ])('fails a batch whose handler returns or throws wrongly (%s), and continues', async (what, expected) => {
    for (const outcome of await together(batcher, [1, what, 3])) expect(outcome).toMatchObject(expected)
    expect(await together(batcher, [1, 2, 3])).toEqual([2, 4, 6])
  })

  it.each([
    ['exit', /^the thread of handler .*scripted\.js ended: it exited with code 3$/],
    ['throw elsewhere', /ended: nobody caught this$/],
  ])('replaces a thread that dies of %s, which fails only its batch', async (what, message) => {
    const [before] = await together(batcher, ['thread', 2, 3])
    const dying = together(batcher, [1, what, 3])
    // wait in the queue, and are served by the next thread
    const next = together(batcher, ['thread', 5, 6])
    for (const outcome of await dying) {
      expect(outcome).toMatchObject({ message: expect.stringMatching(message), code: 'THREAD_DIED', statusCode: 500 })
    }
    const [after, ...others] = await next
    expect(others).toEqual([10, 12])
    expect(after).not.toBe(before)
  })

  it('records its requests', async () => {
    const snapshot = batcher.recorder?.snapshot()
    expect(snapshot?.counts.completed).toBeGreaterThan(10)
    expect(snapshot?.counts.failed).toBeGreaterThan(10)
    expect(snapshot?.counts.offered).toBe((snapshot?.counts.completed ?? 0) + (snapshot?.counts.failed ?? 0))
  })
})

describe('threads of a batcher', () => {
  it('are terminated if a batch blocks them longer than batchTimeout, and replaced', async () => {
    await using batcher = make({ batchTimeout: '50ms' })
    const [outcome] = await together(batcher, ['block', 2, 3])
    expect(outcome).toMatchObject({ message: 'run took longer than 50 ms (batchTimeout)', code: 'BATCH_TIMEOUT' })
    expect(await together(batcher, [1, 2, 3])).toEqual([2, 4, 6])
  })

  it('are terminated by close, whatever they are doing', async () => {
    const batcher = make()
    const blocked = together(batcher, ['block', 2, 3])
    await batcher.ready()
    await batcher.close({ timeout: '50ms' })
    for (const outcome of await blocked) expect(outcome).toMatchObject({ code: 'CLOSED' })
  })

  it('are not started if setup fails, and every call gets its error', async () => {
    const broken = new URL('../../cli/scenarios/throws-in-setup.js', import.meta.url)
    const batcher = createBatcher<number, number>(broken, { servers: 2 })
    const [call, ready] = await settle([batcher.run(1), batcher.ready()])
    expect(String(call)).toMatch(/handler .*throws-in-setup\.js: its setup threw: /)
    expect(String(ready)).toMatch(/its setup threw: /)
    await batcher.close()
  })

  it('settle each call once, however they die', async () => {
    const batcher = make({ batching: { maxBatchSize: 4, maxWait: 1 }, servers: 2 })
    const inputs = Array.from({ length: 40 }, (_, i) => (i % 20 === 7 ? 'exit' : i % 20 === 13 ? 'throw elsewhere' : i))
    const calls = inputs.map(async (input, i) => {
      await new Promise((resolve) => setTimeout(resolve, 10 * i))
      return batcher.run(input)
    })
    const outcomes = await settle(calls)
    outcomes.forEach((outcome, i) => {
      if (outcome instanceof Error) expect(outcome.message).toMatch(/^the thread of handler .* ended/)
      else expect(outcome).toBe(2 * Number(inputs[i]))
    })
    // at most all calls of each batch
    expect(outcomes.filter((outcome) => outcome instanceof Error).length).toBeLessThanOrEqual(4 * 4)
    expect([batcher.waiting, batcher.inService]).toEqual([0, 0])
    await batcher.close()
  })

  it('do not keep an idle process alive', { timeout: 30_000 }, async () => {
    const script = fileURLToPath(new URL('../idle-process.js', import.meta.url))
    const { stdout } = await run(process.execPath, [script], { timeout: 20_000 })
    expect(stdout).toBe('[ 2, 4, 6 ] 7\n')
  })
})

it('a batch that never ends keeps the process alive until batchTimeout', { timeout: 30_000 }, async () => {
  const script = fileURLToPath(new URL('../endless-process.js', import.meta.url))
  const { stdout } = await run(process.execPath, [script], { timeout: 20_000 })
  expect(stdout).toBe('BATCH_TIMEOUT\n')
})

it('a batcher that was closed or collected leaves no listener behind', { timeout: 30_000 }, async () => {
  const script = fileURLToPath(new URL('../forgotten-batchers-process.js', import.meta.url))
  const { stdout } = await run(process.execPath, ['--expose-gc', script], { timeout: 20_000 })
  expect(stdout).toBe('{ whileOpen: 1, afterClose: 0, whileDropped: 1, afterCollection: 0 }\n')
})

describe('throughline/serve', () => {
  it('loads no threads, HTTP, benchmarks or reports until they are used', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
    try {
      const script = "import { createBatcher } from 'throughline/serve'; createBatcher((batch) => batch).run(1)"
      const env = { ...process.env, NODE_V8_COVERAGE: folder }
      await run(process.execPath, ['--input-type=module', '-e', script], { env })
      const loaded = readdirSync(folder).flatMap((file) => {
        const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { result: { url: string }[] }
        return result.map((each) => each.url)
      })
      expect(loaded.filter((each) => /dist\/serve\/batcher\/live-batcher\.js$/.test(each)).length).toBe(1)
      const own = /\/dist\/(report|cli|explore|measure|simulate)\//
      const parts = /node_modules\/(piscina|undici|tinybench|commander|cli-table3|d3-)/
      expect(loaded.filter((each) => own.test(each) || parts.test(each))).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

import { runInNewContext } from 'node:vm'
import { createBatcher, type defineHandler } from 'throughline/serve'
import { describe, expect, it } from 'vitest'
import { measure, sweep, tune } from '../../src/index.js'
import { isBytes, isError, isUrl } from '../../src/validation/realm.js'

/** Another realm, with other classes. */
const foreign = (code: string): never => runInNewContext(code, { AbortController, URL, EventTarget, Event }) as never

/** An AbortSignal of another realm. */
class ForeignSignal extends EventTarget {
  aborted = false
  reason: unknown = undefined
  abort(reason: unknown): void {
    this.aborted = true
    this.reason = reason
    this.dispatchEvent(new Event('abort'))
  }
}
const foreignSignal = () => new ForeignSignal() as ForeignSignal & AbortSignal

describe('values of another realm', () => {
  it('an error that a handler returns fails its request alone', async () => {
    const failure: Error = foreign("new RangeError('no number')")
    expect(failure).not.toBeInstanceOf(Error)
    const batcher = createBatcher((batch: number[]) => batch.map((each) => (each < 0 ? failure : each)))
    expect(await batcher.run(1)).toBe(1)
    await expect(batcher.run(-1)).rejects.toBe(failure)
    expect(batcher.recorder?.totals()).toMatchObject({ completed: 1, failed: 1 })
    await batcher.close()
    const result = await measure({
      ...{ arrivals: '500/s', stop: { requests: 50 }, warmup: { requests: 0 } },
      handler: (batch: number[]) => batch.map((each) => (each % 2 === 0 ? failure : each)),
    })
    expect(result.counts).toMatchObject({ completed: 25, failed: 25 })
  })

  it('an AbortSignal aborts calls and runs', async () => {
    const signal = foreignSignal()
    const batcher = createBatcher((batch: number[]) => batch, { batching: { maxBatchSize: 2, maxWait: '1h' } })
    const call = batcher.run(1, { signal })
    signal.abort('no more')
    await expect(call).rejects.toBe('no more')
    await expect(batcher.run(1, { signal })).rejects.toBe('no more')
    await batcher.close()
    const scenario = { arrivals: '10/s', service: '1ms', stop: { requests: 100 } } as const
    await expect(sweep(scenario, { servers: [1] }, { signal })).rejects.toBe('no more')
    await expect(tune(scenario, { budget: { p99: 1 }, signal })).rejects.toBe('no more')
    await expect(measure({ arrivals: '10/s', call: () => 1 }, { signal })).rejects.toBe('no more')
  })

  it('a URL is accepted as a handler, and a Uint8Array as bytes', async () => {
    const { href } = new URL('../serve/handlers/scripted.js', import.meta.url)
    const url = Object.assign(Object.create({ toString: () => href }), {
      href,
      protocol: 'file:',
      searchParams: {},
    }) as URL
    const batcher = createBatcher<number, number>(url)
    await batcher.ready()
    await batcher.close()
    expect(isUrl(foreign('new URL("http://127.0.0.1/")'))).toBe(true)
    expect([foreign('new Uint8Array(2)'), Buffer.of(1), new Uint8Array(2)].map(isBytes)).toEqual([true, true, true])
    expect([foreign('new Uint16Array(2)'), [1], 'text', null].map(isBytes)).toEqual([false, false, false, false])
  })

  it('a value that only looks like an error is not one', () => {
    const plain = { name: 'Error', message: 'no', stack: '' }
    expect([plain, [], Object.create(null), foreign('({ message: "no" })'), 'Error', null].some(isError)).toBe(false)
    expect([new DOMException('no'), foreign('new Error("no")'), new TypeError('no')].every(isError)).toBe(true)
  })

  it('a handler object is accepted', async () => {
    const parts: ReturnType<typeof defineHandler> = foreign('({ run: (batch) => batch })')
    const batcher = createBatcher(parts)
    expect(await batcher.run(3)).toBe(3)
    await batcher.close()
  })
})

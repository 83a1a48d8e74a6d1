import { AsyncLocalStorage } from 'node:async_hooks'
import diagnostics from 'node:diagnostics_channel'
import { createBatcher, defineHandler, type RecorderSink } from 'throughline/serve'
import { describe, expect, it, vi } from 'vitest'

const storage = new AsyncLocalStorage<string>()
/** Batchers are created in one async context, and called in others. */
const made = <Value>(make: () => Value) => storage.run('creation', make)
const calledBy = <Value>(tenant: string, call: () => Value) => storage.run(tenant, call)
const settled = (calls: Promise<unknown>[]) => Promise.allSettled(calls)

describe('the async context of a batcher', () => {
  it('is that of its creation for every batch, in whatever context calls are made', async () => {
    const seen: [inputs: string[], store: string | undefined][] = []
    const batcher = made(() =>
      createBatcher(
        async (batch: string[]) => {
          await null
          seen.push([batch, storage.getStore()])
          return batch
        },
        { batching: { maxBatchSize: 2, maxWait: '2ms' } },
      ),
    )
    const run = (tenant: string) => calledBy(tenant, () => batcher.run(tenant).then(() => storage.getStore()))
    // a full batch; one that leaves at its deadline; those that leave when the server becomes idle
    expect(await Promise.all([run('a'), run('b')])).toEqual(['a', 'b'])
    expect(await run('c')).toBe('c')
    expect(await Promise.all(['d', 'e', 'f', 'g', 'h'].map(run))).toEqual(['d', 'e', 'f', 'g', 'h'])
    expect(seen.flatMap(([inputs]) => inputs)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    expect(new Set(seen.map(([, store]) => store))).toEqual(new Set(['creation']))
    await batcher.close()
  })

  it('is that of its creation for setup, teardown and the abort of a batch', async () => {
    const seen: Record<string, string | undefined> = {}
    let setups = 0
    const handler = defineHandler({
      setup: () => {
        seen[`setup ${++setups}`] = storage.getStore()
        if (setups === 1) throw new Error('not yet')
      },
      run: (batch: string[], { signal }) =>
        new Promise<string[]>((resolve) => {
          signal.addEventListener('abort', () => {
            seen.aborted = storage.getStore()
            resolve(batch)
          })
        }),
      teardown: () => {
        seen.teardown = storage.getStore()
      },
    })
    const batcher = made(() => createBatcher(handler, { batchTimeout: '20ms' }))
    await calledBy('waits', () => batcher.ready()).catch(() => {})
    await calledBy('waits again', () => batcher.ready()).catch(() => {})
    await settled([calledBy('caller', () => batcher.run('a'))])
    await calledBy('closer', () => batcher.close())
    expect(seen).toEqual({ 'setup 1': 'creation', 'setup 2': 'creation', aborted: 'creation', teardown: 'creation' })
  })

  it('is that of its creation for recorders and for subscribers of diagnostics_channel', async () => {
    const contexts = new Map<string, Set<string | undefined>>()
    const note = (what: string) => {
      const stores = contexts.get(what) ?? new Set()
      contexts.set(what, stores.add(storage.getStore()))
    }
    const names: (keyof RecorderSink)[] = ['arrived', 'batch', 'served', 'failed', 'rejected', 'timedOut', 'aborted']
    const recorder = Object.fromEntries(names.map((name) => [name, () => note(name)])) as unknown as RecorderSink
    const channels = ['batch', 'fail', 'reject', 'timeout', 'abort'].map((name) => `throughline:${name}`)
    const hear = (_: unknown, name: string | symbol) => note(String(name))
    for (const name of channels) diagnostics.subscribe(name, hear)
    const options = { batching: { maxBatchSize: 1 }, queue: { capacity: 2, timeout: '5ms' } } as const
    const answers: (() => void)[] = []
    const handler = (batch: string[]) =>
      new Promise<(string | Error)[]>((resolve) => {
        answers.push(() => resolve(batch.map((input) => (input === 'fails' ? new Error('no') : input))))
      })
    for (const given of [{ recorder }, {}]) {
      const batcher = made(() => createBatcher(handler, { ...options, ...given }))
      const controller = new AbortController()
      const run = (tenant: string, signal?: AbortSignal) =>
        calledBy(tenant, () => batcher.run(tenant, signal === undefined ? {} : { signal }))
      const served = run('served')
      await vi.waitFor(() => expect(answers).toHaveLength(1))
      const others = [run('given up', controller.signal), run('times out'), run('is too many')]
      calledBy('aborter', () => controller.abort())
      await settled(others)
      calledBy('answerer', () => answers.shift()?.())
      await served
      const failing = run('fails')
      await vi.waitFor(() => expect(answers).toHaveLength(1))
      answers.shift()?.()
      await settled([failing])
      await batcher.close()
    }
    for (const name of channels) diagnostics.unsubscribe(name, hear)
    expect([...contexts.keys()].sort()).toEqual([...names, ...channels].sort())
    for (const [what, stores] of contexts) expect([what, [...stores]]).toEqual([what, ['creation']])
  })

  it('is that of its creation for batches on threads', async () => {
    const seen: (string | undefined)[] = []
    const hear = () => seen.push(storage.getStore())
    diagnostics.subscribe('throughline:batch', hear)
    const url = new URL('../handlers/scripted.js', import.meta.url)
    const batcher = made(() => createBatcher<number, unknown>(url, { batching: { maxBatchSize: 2, maxWait: '1ms' } }))
    await Promise.all([1, 2, 3].map((each) => calledBy(`caller ${each}`, () => batcher.run(each))))
    await batcher.close()
    diagnostics.unsubscribe('throughline:batch', hear)
    expect(new Set(seen)).toEqual(new Set(['creation']))
  })
})

import { createBatcher } from 'throughline/serve'
import { expect, it, vi } from 'vitest'
import { onAbort } from '../../src/handler/on-abort.js'
import { sweep } from '../../src/index.js'

it('calls the callbacks that were not removed, with one listener for all', () => {
  const controller = new AbortController()
  const { signal } = controller
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  const called: number[] = []
  const offs = Array.from({ length: 20 }, (_, i) => onAbort(signal, () => called.push(i)))
  expect(added).toHaveBeenCalledTimes(1)
  for (const off of offs) off()
  expect(removed).toHaveBeenCalledTimes(1)
  const callback = () => called.push(7)
  onAbort(signal, callback)()
  onAbort(signal, callback)
  onAbort(signal, callback)
  controller.abort()
  expect(called).toEqual([7, 7])
  expect(added).toHaveBeenCalledTimes(3)
})

it('lets batchers and runs share a signal without a leak warning', { tags: 'full' }, async () => {
  const warned = vi.fn()
  process.on('warning', warned)
  const { signal } = new AbortController()
  const batchers = Array.from({ length: 15 }, () =>
    createBatcher((batch: number[]) => batch, { batching: { maxBatchSize: 2, maxWait: '20ms' } }),
  )
  const scenario = { arrivals: '10/s', service: '1ms', stop: { requests: 1000 } } as const
  await Promise.all([
    ...batchers.map((batcher) => batcher.run(1, { signal })),
    ...Array.from({ length: 12 }, (_, i) =>
      sweep({ ...scenario, seed: i }, { servers: [1] }, { signal, threads: 2, cache: false }),
    ),
  ])
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', warned)
  expect(warned).not.toHaveBeenCalled()
  await Promise.all(batchers.map((batcher) => batcher.close()))
})

import { expect, it } from 'vitest'
import { measure } from '../../src/index.js'

it('runs to its end if no checkpoint is precise enough, with server threads too', async () => {
  const result = await measure({
    arrivals: { process: 'closed', clients: 3, thinkTime: '5ms' },
    handler: new URL('./handlers/numbers.js', import.meta.url),
    stop: { precision: 1e-9, of: 'p50', atMost: '10s' },
    warmup: { duration: '1s' },
  })
  expect(result.checkpoints).toEqual({ planned: 2, taken: 2 })
  expect(result.window).toEqual({ startMs: 1000, endMs: 10_000 })
  const lengths = result.segments.map(({ startMs, endMs }) => endMs - startMs)
  // ten of 400 ms, put together of twenty, and ten of 500 ms
  expect(lengths).toEqual([...Array(10).fill(400), ...Array(10).fill(500)])
})

import { expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { expectToAddUp } from '../support/expect/adds-up.js'

it('waits at most 10 s for requests that were due; those left are unfinished', async () => {
  const result = await measure(
    {
      arrivals: '100/s',
      stop: { requests: 20 },
      warmup: { requests: 0 },
      call: (index) => index % 2 === 0 || new Promise(() => {}),
    },
    { batchTimeout: '60s' },
  )
  expectToAddUp(result)
  expect(result.counts).toMatchObject({ completed: 10, unfinished: 10, failed: 0 })
  expect(result.validity.findings.map(({ code }) => code)).toContain('cut-off')
})

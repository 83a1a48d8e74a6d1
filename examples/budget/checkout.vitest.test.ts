import { simulate } from 'throughline'
import 'throughline/vitest'
import { expect, it } from 'vitest'
import { budget, checkout } from './checkout.js'

it('keeps its latency budget', () => {
  expect(simulate(checkout)).toMeetBudget(budget)
})

it('breaks its budget in batches of four', () => {
  expect(simulate({ ...checkout, batching: { maxBatchSize: 4 } })).not.toMeetBudget(budget)
})

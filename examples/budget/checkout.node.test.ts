import { test } from 'node:test'
import { assertBudget, simulate } from 'throughline'
import { budget, checkout } from './checkout.js'

test('keeps its latency budget', () => {
  assertBudget(simulate(checkout), budget)
})

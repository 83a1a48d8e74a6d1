import { describe, expect, it } from 'vitest'
import { compareScenarios, defaultRounds, type GateScenario } from '../../src/gate/gate.js'

const queue: GateScenario = { arrivals: '100/s', service: '5ms', stop: { requests: 200 } }

const gateOf = (scenarios: number, compare = {}) =>
  compareScenarios(
    Array.from({ length: scenarios }, (_, i) => ({
      name: `queue${i}`,
      file: 'queue.throughline.ts',
      base: queue,
      head: queue,
    })),
    { compare, onProgress: () => true },
  )

describe('the default number of pairs', () => {
  it.each([
    [1, 40],
    [3, 40],
    [4, 30],
    [5, 24],
    [7, 24],
  ])('of each of %i scenarios is %i', (scenarios, rounds) => {
    expect(defaultRounds(scenarios)).toBe(rounds)
  })

  it('counts the scenarios that both sides have', async () => {
    const outcomes = await gateOf(4)
    expect(outcomes.map(({ comparison }) => comparison?.rounds)).toEqual([30, 30, 30, 30])
  })

  it('is replaced by the options of the gate and of a scenario', async () => {
    const [outcome] = await gateOf(1, { rounds: 12 })
    expect(outcome?.comparison?.rounds).toBe(12)
  })
})

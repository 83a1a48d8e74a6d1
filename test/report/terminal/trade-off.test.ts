import { describe, expect, it } from 'vitest'
import { FIGURES, figuresOf } from '../../../src/report/figures.js'
import { spreadOf } from '../../../src/report/spread.js'
import { agreementOf, renderTradeOff } from '../../../src/report/terminal/trade-off.js'
import { figuresOverRounds, mediansOf, type TradeOffRow } from '../../../src/report/terminal/trade-off-row.js'
import { affine } from '../../../src/scenario/service/service.js'
import { simulate } from '../../../src/simulate/simulate.js'

const CAPACITY = { 1: 5110, 2: 7430, 4: 10_400, 8: 12_300, 16: 13_800, 32: 17_400, 64: 17_500 }

/** Made up: a size of 1 is overloaded, and the simulation is 4 % low, which at p50 is more than the noise. */
const rows: TradeOffRow[] = Object.entries(CAPACITY).map(([size, capacityPerSec]) => {
  const batchSize = Number(size)
  if (batchSize === 1) return { batchSize, capacityPerSec, measured: 'overloaded', predicted: 'overloaded' }
  const rounds = (value: number, noise: number) => spreadOf([value, value * (1 - noise), value * (1 + noise / 2)])
  const median = 0.4 + batchSize / 20
  return {
    batchSize,
    capacityPerSec,
    measured: {
      p50: rounds(median, 0.03),
      p90: rounds(1.8 * median, 0.06),
      p95: rounds(2.3 * median, 0.08),
      p99: rounds(3.4 * median, batchSize === 32 ? 1.31 : 0.21),
      meanBatchSize: rounds(Math.sqrt(batchSize), 0.01),
      utilization: rounds(0.571, 0.02),
    },
    predicted: {
      p50: 0.96 * median,
      p90: 1.75 * median,
      p95: 2.2 * median,
      p99: 3.3 * median,
      meanBatchSize: 0.99 * Math.sqrt(batchSize),
      utilization: 0.563,
    },
  }
})

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

describe('the trade-off of batch sizes', () => {
  it('reads at a hundred columns', async () => {
    const text = renderTradeOff(rows, { offeredPerSec: 6000, rounds: 3 })
    expect(widest(text)).toBeLessThanOrEqual(100)
    await expect(text).toMatchFileSnapshot('golden/trade-off.txt')
  })

  it('reads at eighty columns if nothing was measured', async () => {
    const simulated = rows.map(({ batchSize, capacityPerSec, predicted }) => ({ batchSize, capacityPerSec, predicted }))
    const text = renderTradeOff(simulated, { offeredPerSec: 6000, width: 80 })
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('golden/trade-off-simulated.txt')
  })

  it('renders when every size is overloaded', () => {
    const none = rows.map((row) => ({ ...row, measured: 'overloaded' as const, predicted: 'overloaded' as const }))
    const text = renderTradeOff(none, { offeredPerSec: 100_000, rounds: 3 })
    expect(text.match(/overloaded at 100,000\/s/g)).toHaveLength(4 * rows.length)
    expect(text).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('names sizes that only one engine finds overloaded', () => {
    const [one, two, four] = rows as [TradeOffRow, TradeOffRow, TradeOffRow]
    const torn = [one, { ...two, predicted: 'overloaded' as const }, { ...four, measured: 'overloaded' as const }]
    const text = renderTradeOff(torn, { offeredPerSec: 6000, rounds: 3 })
    expect(text).toContain(' Batches of 2 sustained the load when measured, but not when simulated.')
    expect(text).toContain(' Batches of 4 sustained the load when simulated, but not when measured.')
    expect(text).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('uses no colours by default, and highlights with a style', () => {
    const style = (format: string, text: string) => `<${format}>${text}</>`
    const text = renderTradeOff(rows, { offeredPerSec: 6000, rounds: 3, style })
    expect(text).toContain('<yellow>overloaded at 6,000/s</>')
    expect(text).toContain('<yellow>0.480 −4%*</>')
  })

  it('counts the simulated figures that are within the noise', () => {
    // by hand: of each size's six figures only p50 (4 % off, rounds within 3 %) is further
    const agreement = agreementOf(rows)
    expect(agreement).toMatchObject({ figures: 36, within: 30 })
    // six of each: 1, 1.4, 2.8, 2.9, 4 and 4.3 % apart; 1, 2, 3, 6, 8 and 21 % of noise
    expect(agreement?.apart).toBeCloseTo((0.05 / 1.8 + 0.1 / 3.4) / 2, 3)
    expect(agreement?.noise).toBeCloseTo((0.03 + 0.06) / 2, 6)
  })
})

describe('the figures of a row', () => {
  const run = (rate: number, seed: number) =>
    simulate({
      arrivals: rate,
      service: affine({ base: '7.5ms', perItem: '0.25ms' }),
      batching: { maxBatchSize: 10 },
      stop: { requests: 20_000 },
      seed,
    })

  it('are those of a result', () => {
    const result = run(500, 1)
    expect(figuresOf(result)).toMatchObject({ p99: result.latencyMs.p99, utilization: result.utilization })
  })

  it('are overloaded for an overloaded run', () => {
    expect(figuresOf(run(1500, 1))).toBe('overloaded')
  })

  it('are the median of rounds, with minimum and maximum', () => {
    const rounds = [1, 2, 3].map((seed) => run(500, seed))
    const figures = figuresOverRounds(rounds)
    expect(figures).toBeTypeOf('object')
    const p99s = rounds.map((round) => round.latencyMs.p99).sort((a, b) => a - b)
    expect(figures).toMatchObject({ p99: { low: p99s[0], median: p99s[1], high: p99s[2] } })
    expect(Object.keys(figures)).toEqual([...FIGURES])
    expect(mediansOf(figures)).toMatchObject({ p99: p99s[1] })
    expect(mediansOf('overloaded')).toBe('overloaded')
  })

  it('are overloaded if most rounds were', () => {
    expect(figuresOverRounds([run(1500, 1), run(500, 2), run(1500, 3)])).toBe('overloaded')
    expect(figuresOverRounds([run(500, 1), run(500, 2), run(1500, 3)])).toBeTypeOf('object')
  })
})

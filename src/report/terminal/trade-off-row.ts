import type { Result } from '../../result/result.js'
import type { RenderOptions } from '../../text/style.js'
import { checkList } from '../../validation/validation-error.js'
import { FIGURES, type Figure, type Figures, figuresOf } from '../figures.js'
import { type Spread, spreadOf } from '../spread.js'

/** A batch size: its capacity, and its figures at one fixed load. */
export interface TradeOffRow {
  batchSize: number
  /** requests a second */
  capacityPerSec: number
  /** over the rounds; undefined if nothing was measured */
  measured?: Record<Figure, Spread> | 'overloaded' | undefined
  /** `simulate` on the same requests; undefined if nothing was simulated */
  predicted?: Figures | 'overloaded' | undefined
}

/** Options of `renderTradeOff` and its parts. */
export interface TradeOffOptions extends RenderOptions {
  /** the fixed load, requests a second */
  offeredPerSec: number
  /**
   * how many rounds the measured figures are from
   *
   * @default unknown
   */
  rounds?: number
}

/**
 * Summarizes the figures of several rounds; `'overloaded'` if half of the rounds or more were.
 *
 * @throws ValidationError if one is not a result
 * @example
 * const runs = [1, 2, 3].map((seed) => simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 2000 }, seed }))
 * console.log(figuresOverRounds(runs))
 */
export function figuresOverRounds(rounds: Result[]): Record<Figure, Spread> | 'overloaded' {
  checkList(rounds, 'rounds', 'results')
  const sustained = rounds.map(figuresOf).filter((figures) => figures !== 'overloaded')
  if (sustained.length <= rounds.length / 2) return 'overloaded'
  const entries = FIGURES.map((figure) => [figure, spreadOf(sustained.map((figures) => figures[figure]))])
  return Object.fromEntries(entries) as Record<Figure, Spread>
}

/**
 * Reads the medians of figures over rounds, as the prediction for the same rounds.
 *
 * @example
 * const runs = [1, 2, 3].map((seed) => simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 2000 }, seed }))
 * console.log(mediansOf(figuresOverRounds(runs)))
 */
export function mediansOf(spreads: Record<Figure, Spread> | 'overloaded'): Figures | 'overloaded' {
  if (spreads === 'overloaded') return spreads
  return Object.fromEntries(FIGURES.map((figure) => [figure, spreads[figure].median])) as Figures
}

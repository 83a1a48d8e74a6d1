import type { Result } from '../../result/result.js'
import type { RenderOptions } from '../../text/style.js'
import { checkList } from '../../validation/validation-error.js'
import { FIGURES, type Figure, type Figures, figuresOf } from '../figures.js'
import { type Spread, spreadOf } from '../spread.js'

/** A batch size: what it can carry at most, and how it does at one fixed load. */
export interface TradeOffRow {
  batchSize: number
  /** requests a second */
  capacityPerSec: number
  /** over the rounds; left out where nothing was measured */
  measured?: Record<Figure, Spread> | 'cannot carry' | undefined
  /** what `simulate` says of the same requests; left out where nothing was simulated */
  predicted?: Figures | 'cannot carry' | undefined
}

export interface TradeOffOptions extends RenderOptions {
  /** the fixed load, requests a second */
  offeredPerSec: number
  /** how many rounds the measured figures are of */
  rounds?: number
}

/**
 * The figures of several rounds; a size cannot carry the load where it could not in half of them or more.
 *
 * @throws ValidationError if one is not a result
 */
export function figuresOverRounds(rounds: Result[]): Record<Figure, Spread> | 'cannot carry' {
  checkList(rounds, 'rounds', 'results')
  const carried = rounds.map(figuresOf).filter((figures) => figures !== 'cannot carry')
  if (carried.length <= rounds.length / 2) return 'cannot carry'
  const entries = FIGURES.map((figure) => [figure, spreadOf(carried.map((figures) => figures[figure]))])
  return Object.fromEntries(entries) as Record<Figure, Spread>
}

/** The medians alone, as of a prediction for the same rounds. */
export function mediansOf(spreads: Record<Figure, Spread> | 'cannot carry'): Figures | 'cannot carry' {
  if (spreads === 'cannot carry') return spreads
  return Object.fromEntries(FIGURES.map((figure) => [figure, spreads[figure].median])) as Figures
}

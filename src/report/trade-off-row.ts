import type { Result } from '../result/result.js'
import { type Spread, spreadOf } from './spread.js'
import type { Look } from './style.js'

/** What is told of each batch size: times in milliseconds, utilization as a share of 1. */
export const FIGURES = ['p50', 'p90', 'p95', 'p99', 'meanBatchSize', 'utilization'] as const
export type Figure = (typeof FIGURES)[number]

/** A batch size: what it can carry at most, and how it does at one fixed load. */
export interface TradeOffRow {
  batchSize: number
  /** requests a second */
  capacityPerSec: number
  /** over the rounds; left out where nothing was measured */
  measured?: Record<Figure, Spread> | 'cannot carry' | undefined
  /** what `simulate` says of the same requests; left out where nothing was simulated */
  predicted?: Record<Figure, number> | 'cannot carry' | undefined
}

export interface TradeOffLook extends Look {
  /** the fixed load, requests a second */
  offeredPerSec: number
  /** how many rounds the measured figures are of */
  rounds?: number
}

/** The figures of one run, or that it could not carry its load. */
export function figuresOf(result: Result): Record<Figure, number> | 'cannot carry' {
  if (result.validity.findings.some(({ code }) => code === 'saturated' || code === 'cut-off')) return 'cannot carry'
  const { p50, p90, p95, p99 } = result.latencyMs
  return { p50, p90, p95, p99, meanBatchSize: result.batches.meanSize, utilization: result.utilization ?? 0 }
}

/** The figures of several rounds; a size cannot carry the load where it could not in half of them or more. */
export function figuresOverRounds(rounds: Result[]): Record<Figure, Spread> | 'cannot carry' {
  const carried = rounds.map(figuresOf).filter((figures) => figures !== 'cannot carry')
  if (carried.length <= rounds.length / 2) return 'cannot carry'
  const entries = FIGURES.map((figure) => [figure, spreadOf(carried.map((figures) => figures[figure]))])
  return Object.fromEntries(entries) as Record<Figure, Spread>
}

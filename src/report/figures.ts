import { checkIsResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { type TimeUnit, threeDigits } from '../text/number.js'

/** What is told of each run where several stand side by side: times in milliseconds, utilization as a fraction of 1. */
export const FIGURES = ['p50', 'p90', 'p95', 'p99', 'meanBatchSize', 'utilization'] as const
export type Figure = (typeof FIGURES)[number]
export type Figures = Record<Figure, number>

/** An interrupted run was not overloaded: it sustained its load while it ran. */
const isOverload = ({ code }: Finding) => code === 'saturated' || code === 'cut-off'

/**
 * The figures of one run; `'overloaded'` if it did not sustain its load.
 *
 * @throws ValidationError if it is not a result
 */
export function figuresOf(result: Result): Figures | 'overloaded' {
  checkIsResult(result)
  if (result.validity.findings.some(isOverload)) return 'overloaded'
  const { p50, p90, p95, p99 } = result.latencyMs
  return { p50, p90, p95, p99, meanBatchSize: result.batches.meanSize, utilization: result.utilization ?? 0 }
}

/** Why a run is not valid, the first error of it; null if it is, or if it is told instead that it cannot carry its load. */
export function invalidity({ validity }: Result): Finding | null {
  const errors = validity.findings.filter(({ severity }) => severity === 'error')
  return errors.some(isOverload) ? null : (errors[0] ?? null)
}

/** Fractions of requests that some runs have, and their columns. */
const LOSSES = [
  { header: ['errors', '%'], of: ({ rates }: Result) => rates.error },
  { header: ['rejected', '%'], of: ({ rates }: Result) => rates.rejection },
] as const

/** The columns of what was not answered, of those fractions that any of the runs has. */
export const lossesIn = (results: readonly Result[]) =>
  LOSSES.filter(({ of }) => results.some((result) => of(result) > 0)).map(({ header, of }) => ({
    header,
    text: (result: Result) => threeDigits(100 * of(result)),
  }))

/** The two lines at the head of a figure's column. */
export function headerOf(figure: Figure, unit: TimeUnit): [string, string] {
  if (figure === 'meanBatchSize') return ['mean', 'batch']
  return figure === 'utilization' ? ['utilization', '%'] : [figure, unit.name]
}

/** A figure in the unit of its column. */
export function shown(value: number, figure: Figure, unit: TimeUnit): string {
  if (figure === 'meanBatchSize') return threeDigits(value)
  return threeDigits(figure === 'utilization' ? 100 * value : value / unit.ms)
}

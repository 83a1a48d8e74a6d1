import { checkIsResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { closePercentage, type TimeUnit, threeDigits } from '../text/number.js'

/** The figures by which runs are compared in a table: times in milliseconds, utilization as a fraction of 1. */
export const FIGURES = ['p50', 'p90', 'p95', 'p99', 'meanBatchSize', 'utilization'] as const
/** A figure, by name. */
export type Figure = (typeof FIGURES)[number]
/** The figures of a run. */
export type Figures = Record<Figure, number>

/** An interrupted run was not overloaded: it sustained its load while it ran. */
const isOverload = ({ code }: Finding) => code === 'saturated' || code === 'cut-off'

/**
 * Reads the figures of one run that tables compare; `'overloaded'` if it did not sustain its load.
 *
 * @returns times in milliseconds, utilization as a fraction of 1
 * @throws ValidationError if it is not a result
 * @example
 * const figures = figuresOf(simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } }))
 * if (figures !== 'overloaded') console.log(figures.p99, figures.utilization)
 */
export function figuresOf(result: Result): Figures | 'overloaded' {
  checkIsResult(result)
  if (result.validity.findings.some(isOverload)) return 'overloaded'
  const { p50, p90, p95, p99 } = result.latencyMs
  return { p50, p90, p95, p99, meanBatchSize: result.batches.meanSize, utilization: result.utilization ?? 0 }
}

/** The first error of a run; null if it is valid, or if it is overloaded, which is reported instead of figures. */
export function firstError({ validity }: Result): Finding | null {
  const errors = validity.findings.filter(({ severity }) => severity === 'error')
  return errors.some(isOverload) ? null : (errors[0] ?? null)
}

/** Columns of dropped requests. */
const DROPS = [
  { header: ['errors', '%'], of: ({ rates }: Result) => rates.error },
  { header: ['rejected', '%'], of: ({ rates }: Result) => rates.rejection },
] as const

/** The columns of errors and rejections, and of goodput, if any of the runs has them. */
export const dropColumns = (results: readonly Result[]) => [
  ...DROPS.filter(({ of }) => results.some((result) => of(result) > 0)).map(({ header, of }) => ({
    header,
    text: (result: Result) => threeDigits(100 * of(result)),
  })),
  ...(results.some(({ goodput }) => goodput !== undefined)
    ? [
        {
          header: ['good', '%'] as const,
          text: ({ goodput }: Result) => (goodput === undefined ? '–' : closePercentage(goodput.fraction)),
        },
      ]
    : []),
]

/** The two header lines of a figure's column. */
export function figureHeader(figure: Figure, unit: TimeUnit): [string, string] {
  if (figure === 'meanBatchSize') return ['mean', 'batch']
  return figure === 'utilization' ? ['utilization', '%'] : [figure, unit.name]
}

/** Formats a figure in the unit of its column. */
export function formatFigure(value: number, figure: Figure, unit: TimeUnit): string {
  if (figure === 'meanBatchSize') return threeDigits(value)
  return threeDigits(figure === 'utilization' ? 100 * value : value / unit.ms)
}

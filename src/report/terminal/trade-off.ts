import { count, plural, rate } from '../../text/number.js'
import { plain, type Style } from '../../text/style.js'
import { checkList } from '../../validation/validation-error.js'
import { FIGURES, type Figure } from '../figures.js'
import { isWithin, noiseOf, type Spread, spreadOf, WITHIN_BY_CHANCE } from '../spread.js'
import { type PlotRow, renderPlot } from './plot.js'
import type { TradeOffOptions, TradeOffRow } from './trade-off-row.js'
import { renderTradeOffTable } from './trade-off-table.js'

/**
 * Renders the throughput-latency trade-off of a real system at 100 columns: for each batch size its capacity, and its
 * figures at one load, measured over rounds and simulated; how well the two agree, compared with the spread of the
 * rounds; and a plot.
 *
 * @throws ValidationError if `rows` is not a list
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const rows = [{ batchSize: 1, capacityPerSec: 100, predicted: figuresOf(result) }]
 * console.log(renderTradeOff(rows, { offeredPerSec: 50 }))
 */
export function renderTradeOff(rows: TradeOffRow[], options: TradeOffOptions): string {
  const parts = [renderTradeOffTable(rows, options), renderAgreement(rows, options), renderTradeOffPlot(rows, options)]
  return parts.filter((part) => part !== '').join('\n\n')
}

/**
 * Renders the plot of `renderTradeOff` alone.
 *
 * @throws ValidationError if `rows` is not a list
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const rows = [{ batchSize: 1, capacityPerSec: 100, predicted: figuresOf(result) }]
 * console.log(renderTradeOffPlot(rows, { offeredPerSec: 50 }))
 */
export function renderTradeOffPlot(rows: TradeOffRow[], options: TradeOffOptions): string {
  checkList(rows, 'rows', 'batch sizes')
  const { width = 100, style = plain } = options
  const load = rate(options.offeredPerSec)
  const overloaded = `overloaded at ${load}`
  return renderPlot(
    rows.map((row) => plotRow(row, overloaded)),
    {
      rows: 'batch\nsize',
      throughput: 'capacity, requests/s',
      latency: `latency at ${load}`,
      width,
      style,
    },
  )
}

function plotRow({ batchSize, capacityPerSec, measured, predicted }: TradeOffRow, overloaded: string): PlotRow {
  const medians = (spreads: Record<Figure, Spread>) => ({
    p50: spreads.p50.median,
    p90: spreads.p90.median,
    p95: spreads.p95.median,
    p99: spreads.p99.median,
  })
  return {
    label: count(batchSize),
    throughput: capacityPerSec,
    measured: measured === 'overloaded' ? overloaded : measured && medians(measured),
    simulated: predicted === 'overloaded' ? overloaded : predicted,
  }
}

/** How well simulated figures agree with measured ones, compared with the spread of the rounds. */
export interface Agreement {
  /** how many figures were both measured and simulated */
  figures: number
  /** how many simulated figures are within the noise: no further from the measured median than the furthest round */
  within: number
  /** the median distance of a simulated figure from the measured median, as a fraction of that median */
  apart: number
  /** the median distance of the furthest round from its median, as a fraction of that median */
  noise: number
}

/**
 * Compares simulated figures with measured ones; null if no batch size has both.
 *
 * @throws ValidationError if `rows` is not a list
 * @example
 * const runs = [1, 2, 3].map((seed) => simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 2000 }, seed }))
 * const measured = figuresOverRounds(runs)
 * const rows = [{ batchSize: 1, capacityPerSec: 100, measured, predicted: mediansOf(measured) }]
 * console.log(agreementOf(rows)?.apart) // 0
 */
export function agreementOf(rows: TradeOffRow[]): Agreement | null {
  checkList(rows, 'rows', 'batch sizes')
  const pairs = rows.flatMap(({ measured, predicted }) =>
    typeof measured === 'object' && typeof predicted === 'object'
      ? FIGURES.map((figure) => ({ measured: measured[figure], predicted: predicted[figure] }))
      : [],
  )
  if (pairs.length === 0) return null
  const apart = ({ measured, predicted }: (typeof pairs)[number]) =>
    Math.abs(predicted - measured.median) / measured.median
  return {
    figures: pairs.length,
    within: pairs.filter(({ measured, predicted }) => isWithin(predicted, measured)).length,
    apart: spreadOf(pairs.map(apart)).median,
    noise: spreadOf(pairs.map(({ measured }) => noiseOf(measured))).median,
  }
}

/**
 * Renders the legend of the table, and how well the simulation agrees with the measurement.
 *
 * @example
 * const runs = [1, 2, 3].map((seed) => simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 2000 }, seed }))
 * const measured = figuresOverRounds(runs)
 * const rows = [{ batchSize: 1, capacityPerSec: 100, measured, predicted: mediansOf(measured) }]
 * console.log(renderAgreement(rows, { offeredPerSec: 50, rounds: 3 }))
 */
export function renderAgreement(rows: TradeOffRow[], options: TradeOffOptions): string {
  const agreement = agreementOf(rows)
  const lines = agreement === null ? [] : agreementLines(agreement, options)
  for (const { batchSize, measured, predicted } of rows) {
    if (typeof measured === 'object' && predicted === 'overloaded') {
      lines.push(` Batches of ${count(batchSize)} sustained the load when measured, but not when simulated.`)
    } else if (measured === 'overloaded' && typeof predicted === 'object') {
      lines.push(` Batches of ${count(batchSize)} sustained the load when simulated, but not when measured.`)
    }
  }
  return lines.join('\n')
}

function agreementLines({ figures, within, apart, noise }: Agreement, { rounds, style = plain }: TradeOffOptions) {
  const fraction = (part: number) => `${Math.round(100 * part)} %`
  const of = rounds === undefined ? 'the rounds' : plural(rounds, 'round')
  const chance = rounds === undefined ? undefined : WITHIN_BY_CHANCE[rounds]
  const exact = chance === undefined ? '' : `;\n with ${of}, an exact simulation would reach about ${chance} %`
  return [
    key(style, ' ±', `distance of the furthest of ${of} from the median: the machine's noise`),
    key(style, '+−', `simulated compared with measured; ${style('yellow', '*')} ${style('dim', 'outside the noise')}`),
    '',
    ` ${style('bold', `${within} of ${figures} simulated figures (${fraction(within / figures)}) are within the noise`)}${exact}.`,
    ` Median distance from the measured median: ${fraction(apart)} for simulated figures, ${fraction(noise)} for the furthest round.`,
  ]
}

const key = (style: Style, mark: string, meaning: string) => ` ${mark}  ${style('dim', meaning)}`

import { count, rate } from '../../text/number.js'
import { plain, type Style } from '../../text/style.js'
import { checkList } from '../../validation/validation-error.js'
import { FIGURES, type Figure } from '../figures.js'
import { isWithin, noiseOf, type Spread, spreadOf, WITHIN_BY_CHANCE } from '../spread.js'
import { type PlotRow, renderPlot } from './plot.js'
import type { TradeOffOptions, TradeOffRow } from './trade-off-row.js'
import { renderTradeOffTable } from './trade-off-table.js'

/**
 * The throughput-latency trade-off of a real system, to read at 100 columns: for each batch size what it can carry, then its latency at one
 * load, measured over rounds beside simulated; how far apart the two are, beside how far apart the rounds are; and
 * both curves drawn.
 */
export function renderTradeOff(rows: TradeOffRow[], options: TradeOffOptions): string {
  const parts = [renderTradeOffTable(rows, options), renderAgreement(rows, options), renderTradeOffPlot(rows, options)]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** The curves alone. */
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

/** How near simulated figures are to measured ones, beside how near the rounds are to one another. */
export interface Agreement {
  figures: number
  /** how many are as near to the measured median as the rounds are */
  within: number
  /** the median distance of a simulated figure from the measured median, as a fraction of it */
  apart: number
  /** the median distance of the furthest round from it, as a fraction of it */
  noise: number
}

/** Null where nothing was both measured and simulated. */
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

/** What the marks in the table mean, and whether the simulation is further off than the machine's own noise. */
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
  const of = rounds === undefined ? 'the rounds' : rounds === 1 ? '1 round' : `${rounds} rounds`
  const chance = rounds === undefined ? undefined : WITHIN_BY_CHANCE[rounds]
  const perfect =
    chance === undefined ? '' : `;\n with ${of}, a simulation without any error would reach about ${chance} %`
  return [
    key(style, ' ±', `the furthest of ${of} from their median: the machine's own noise`),
    key(style, '+−', `simulated from measured; ${style('yellow', '*')} ${style('dim', 'further than any round was')}`),
    '',
    ` ${style('bold', `${within} of ${figures} simulated figures (${fraction(within / figures)}) are as near to the measured median as the rounds are`)}${perfect}.`,
    ` In the median, a simulated figure is ${fraction(apart)} from the measured one, and the furthest round ${fraction(noise)}.`,
  ]
}

const key = (style: Style, mark: string, meaning: string) => ` ${mark}  ${style('dim', meaning)}`

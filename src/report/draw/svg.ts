import { checkList, ValidationError } from '../../validation/validation-error.js'
import { checkOptions, checkSwept } from '../check-options.js'
import { Markup, markup } from '../markup.js'
import type { TradeOffRow } from '../terminal/trade-off-row.js'
import { HEIGHT, WIDTH } from './elements/frame.js'
import { FILE_STYLE } from './elements/theme.js'
import { describe, latenciesOf, latencyPanel, legendOf, throughputPanel } from './trade-off.js'
import { figureOfRows, figuresOfSweep, type SweptRun, type TradeOffFigure } from './trade-off-figure.js'

/** Options of `renderSweepSvg` and `renderTradeOffSvg`. */
export interface SvgOptions {
  /**
   * The title above the figure.
   *
   * @default a description of the figure, such as `Throughput and latency against batch size`
   */
  title?: string | undefined
}

/**
 * Renders the throughput-latency trade-off of a sweep as an SVG file: throughput and latency percentiles against the
 * batch size, or else against the field with the most values. If several fields were swept, there is one figure for each
 * combination of the others. The file follows the viewer's light or dark theme and needs nothing else.
 *
 * @param swept the runs that `sweep` returns; measured and simulated runs may be mixed
 * @throws ValidationError if it is not a list of runs, or is empty
 * @example
 * const scenario = { arrivals: '800/s', service: affine({ base: '7.5ms', perItem: '0.25ms' }), stop: { requests: 10_000 } }
 * const svg = renderSweepSvg(await sweep(scenario, { maxBatchSize: [8, 16, 32] }))
 */
export function renderSweepSvg(swept: readonly SweptRun[], options: SvgOptions = {}): string {
  checkOptions(options, 'svg')
  checkSwept(swept)
  if (swept.length === 0) throw new ValidationError('sweep', 'must hold at least one run')
  const figures = figuresOfSweep(swept)
  return renderFile(figures, options.title ?? titleOf(figures[0] as TradeOffFigure))
}

/**
 * Renders the throughput-latency trade-off of a real system as an SVG file: for each batch size its capacity, and its
 * latency at one load, measured over rounds and simulated.
 *
 * @param options.offeredPerSec the load, requests a second
 * @param options.rounds how many rounds the measured figures are from
 * @throws ValidationError if there is no row
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const rows = [{ batchSize: 1, capacityPerSec: 100, predicted: figuresOf(result) }]
 * const svg = renderTradeOffSvg(rows, { offeredPerSec: 50 })
 */
export function renderTradeOffSvg(
  rows: readonly TradeOffRow[],
  options: SvgOptions & { offeredPerSec: number; rounds?: number | undefined },
): string {
  checkList(rows, 'rows', 'batch sizes')
  if (rows.length === 0) throw new ValidationError('rows', 'must hold at least one batch size')
  const figure = figureOfRows([...rows], options.offeredPerSec, options.rounds)
  return renderFile([figure], options.title ?? titleOf(figure))
}

const titleOf = ({ field }: TradeOffFigure) => `Throughput and latency against ${field}`

const MARGIN = 16
const HEAD = 58
const GAP = 20

function renderFile(figures: TradeOffFigure[], title: string): string {
  const width = 2 * WIDTH + GAP + 2 * MARGIN
  const head = (group: string) => (group === '' ? 0 : 34)
  const times = figures.flatMap(latenciesOf)
  let top = HEAD
  const drawn = figures.map((figure) => {
    const heading =
      figure.group === '' ? null : markup`<text class="name s-neutral" x="8" y="22">${figure.group}</text>`
    const at = top
    top += HEIGHT + head(figure.group)
    // one latency scale for all figures, so that they can be compared
    return markup`<g transform="translate(${MARGIN} ${at})">${heading}<g transform="translate(0 ${head(figure.group)})">${throughputPanel(figure).drawn}</g><g transform="translate(${WIDTH + GAP} ${head(figure.group)})">${latencyPanel(figure, times).drawn}</g></g>`
  })
  const height = top + MARGIN
  const description = figures.map(describe).join(' ')
  return `${markup`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="throughline-title throughline-desc"><title id="throughline-title">${title}</title><desc id="throughline-desc">${description}</desc>${style()}<rect class="ground" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/><text class="heading" x="${MARGIN + 8}" y="30">${title}</text>${drawLegend(figures[0] as TradeOffFigure, width)}${drawn}</svg>`}\n`
}

/** The style holds no foreign text, and its quotes must not be escaped. */
function style(): Markup {
  return new Markup(`<style>${FILE_STYLE}</style>`)
}

/** Draws the legend, right of the title. */
function drawLegend(figure: TradeOffFigure, width: number): Markup {
  const entries = legendOf(figure)
  let at = width - MARGIN - 8 - entries.reduce((sum, entry) => sum + entry.width + 18, -18)
  return markup`${entries.map((entry) => {
    const here = at
    at += entry.width + 18
    return markup`<g transform="translate(${here} 26)">${entry.drawn}<text class="tick" x="34" dy=".35em">${entry.text}</text></g>`
  })}`
}

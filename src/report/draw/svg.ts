import { checkList, ValidationError } from '../../validation/validation-error.js'
import { checkOptions, checkSwept } from '../given.js'
import { Markup, markup } from '../markup.js'
import type { TradeOffRow } from '../terminal/trade-off-row.js'
import { HEIGHT, WIDTH } from './frame.js'
import { FILE_STYLE } from './theme.js'
import { keyOf, latenciesOf, latencyPanel, summary, throughputPanel } from './trade-off.js'
import { figureOfRows, figuresOfSweep, type SweptRun, type TradeOffFigure } from './trade-off-figure.js'

export interface SvgOptions {
  /** Above the figure. Default: what it shows. */
  title?: string | undefined
}

/**
 * The throughput-latency trade-off as an SVG file: throughput beside latency percentiles against the batch size, or what else was varied.
 * Where two fields or more were, there is a figure for each value of the others. It has light and dark colours, by
 * what its reader prefers, and needs nothing else.
 *
 * @param swept what `sweep` gives; measured and simulated runs may stand together
 * @throws ValidationError if it is not a sweep, or has no point
 */
export function renderSweepSvg(swept: readonly SweptRun[], options: SvgOptions = {}): string {
  checkOptions(options, 'svg')
  checkSwept(swept)
  if (swept.length === 0) throw new ValidationError('sweep', 'must hold at least one run to be drawn')
  const figures = figuresOfSweep(swept)
  return file(figures, options.title ?? titleOf(figures[0] as TradeOffFigure))
}

/**
 * The throughput-latency trade-off of a real system as an SVG file: what batches of each size can carry, beside their latency at one load,
 * measured over rounds and simulated.
 *
 * @throws ValidationError if there is no row
 */
export function renderTradeOffSvg(
  rows: readonly TradeOffRow[],
  options: SvgOptions & { offeredPerSec: number; rounds?: number | undefined },
): string {
  checkList(rows, 'rows', 'batch sizes')
  if (rows.length === 0) throw new ValidationError('rows', 'must hold at least one batch size to be drawn')
  const figure = figureOfRows([...rows], options.offeredPerSec, options.rounds)
  return file([figure], options.title ?? titleOf(figure))
}

const titleOf = ({ field }: TradeOffFigure) => `Throughput and latency against ${field}`

const MARGIN = 16
const HEAD = 58
const GAP = 20

function file(figures: TradeOffFigure[], title: string): string {
  const width = 2 * WIDTH + GAP + 2 * MARGIN
  const head = (group: string) => (group === '' ? 0 : 34)
  const times = figures.flatMap(latenciesOf)
  let top = HEAD
  const drawn = figures.map((figure) => {
    const heading =
      figure.group === '' ? null : markup`<text class="name s-neutral" x="8" y="22">${figure.group}</text>`
    const at = top
    top += HEIGHT + head(figure.group)
    // all on one scale, to be compared
    return markup`<g transform="translate(${MARGIN} ${at})">${heading}<g transform="translate(0 ${head(figure.group)})">${throughputPanel(figure).drawn}</g><g transform="translate(${WIDTH + GAP} ${head(figure.group)})">${latencyPanel(figure, times).drawn}</g></g>`
  })
  const height = top + MARGIN
  const says = figures.map(summary).join(' ')
  return `${markup`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="throughline-title throughline-desc"><title id="throughline-title">${title}</title><desc id="throughline-desc">${says}</desc>${style()}<rect class="ground" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/><text class="heading" x="${MARGIN + 8}" y="30">${title}</text>${key(figures[0] as TradeOffFigure, width)}${drawn}</svg>`}\n`
}

/** The style holds no text of others, and quotes that must stay as they are. */
function style(): Markup {
  return new Markup(`<style>${FILE_STYLE}</style>`)
}

/** On the right of the title. */
function key(figure: TradeOffFigure, width: number): Markup {
  const entries = keyOf(figure)
  let at = width - MARGIN - 8 - entries.reduce((sum, entry) => sum + entry.width + 18, -18)
  return markup`${entries.map((entry) => {
    const here = at
    at += entry.width + 18
    return markup`<g transform="translate(${here} 26)">${entry.drawn}<text class="tick" x="34" dy=".35em">${entry.says}</text></g>`
  })}`
}

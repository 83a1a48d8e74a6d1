import type { Result } from '../../result/result.js'
import { count, percent } from '../../text/number.js'
import { markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { drawFrame, PLOT, px, ticksOf, tickText } from './elements/frame.js'
import { drawMark } from './elements/mark.js'
import { exactScale, linearScale } from './elements/scale.js'

/** The number of batches of `from` to `to` requests, both included. */
export interface SizeBin {
  from: number
  to: number
  batches: number
}

const MOST_BARS = 24

/** Counts batches by size, grouping neighbouring sizes if there are too many bars to draw. */
export function binSizes({ sizes }: Result['batches']): SizeBin[] {
  const all = Object.entries(sizes)
    .map(([size, batches]): [number, number] => [Number(size), batches])
    .sort(([a], [b]) => a - b)
  const [least, most] = [all[0]?.[0] ?? 0, all.at(-1)?.[0] ?? 0]
  const width = Math.ceil((most - least + 1) / MOST_BARS)
  const bins = new Map<number, SizeBin>()
  for (const [size, batches] of all) {
    const from = least + Math.floor((size - least) / width) * width
    const bin = bins.get(from) ?? { from, to: Math.min(most, from + width - 1), batches: 0 }
    bin.batches += batches
    bins.set(from, bin)
  }
  return [...bins.values()]
}

/** Draws the fraction of batches of each size. */
export function drawBatchSizes({ batches }: Result, bins: readonly SizeBin[]): Drawing {
  const [first, last] = [bins[0], bins.at(-1)] as [SizeBin, SizeBin]
  const fraction = (bin: SizeBin) => bin.batches / batches.count
  const y = linearScale(
    bins.map((bin) => 100 * fraction(bin)),
    [PLOT.bottom, PLOT.top],
    4,
  )
  const x = exactScale([first.from - 0.5, last.to + 0.5], [PLOT.left, PLOT.right], 8)
  const ticks = ticksOf(x, (size) => (Number.isInteger(size) ? tickText(size) : '')).filter(({ label }) => label !== '')
  const bars = bins.map((bin) => {
    const sizes = bin.from === bin.to ? `of ${count(bin.from)}` : `of ${count(bin.from)} to ${count(bin.to)}`
    const [x1, x2] = [px(x.at(bin.from - 0.5) + 0.75), px(x.at(bin.to + 0.5) - 0.75)]
    const top = px(Math.min(PLOT.bottom - 1, y.at(100 * fraction(bin))))
    return drawMark(
      {
        text: `batches ${sizes}: ${count(bin.batches)}, ${percent(fraction(bin))} of all`,
        data: { from: bin.from, to: bin.to > bin.from ? bin.to : null, v: bin.batches },
      },
      markup`<rect class="bar" x="${x1}" y="${top}" width="${px(Math.max(1, x2 - x1))}" height="${px(PLOT.bottom - top)}"/>`,
    )
  })
  return {
    drawn: markup`${drawFrame(PLOT, { ticks, title: 'batch size' }, { ticks: ticksOf(y, tickText), title: '% of batches' })}<g class="s-p90">${bars}</g>`,
    x,
    y,
  }
}

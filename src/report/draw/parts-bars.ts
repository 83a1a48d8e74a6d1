import { percentToTenth, time, timeUnit } from '../../text/number.js'
import type { LatencyPart } from '../../text/parts.js'
import { markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { drawFrame, PLOT, px, ticksOf, tickText, WIDTH } from './elements/frame.js'
import { shorten } from './elements/label.js'
import { drawMark } from './elements/mark.js'
import { linearScale } from './elements/scale.js'

export interface LabelledParts {
  label: string
  meanMs: number
  parts: readonly LatencyPart[]
}

const ROW = 46
const BAR = 20
const LEFT = 14

/** Draws the mean latency of each run as a bar, divided into its parts. */
export function drawParts(runs: readonly LabelledParts[]): Drawing {
  const bottom = PLOT.top - 10 + ROW * runs.length
  const box = { ...PLOT, left: LEFT, right: WIDTH - 30, bottom }
  const means = runs.map(({ meanMs }) => meanMs)
  const unit = timeUnit(means)
  const x = linearScale(means, [box.left, box.right])
  const bars = runs.map(({ label, meanMs, parts }, row) => {
    const top = PLOT.top - 10 + row * ROW + 20
    let before = 0
    const drawn = parts.map(({ name, ms, meaning }) => {
      const from = px(x.at(before))
      before += ms
      // at least one pixel, so that short parts are visible
      const width = Math.max(1, px(x.at(before) - from))
      const fraction = meanMs === 0 ? 0 : ms / meanMs
      const text = `${label === '' ? '' : `${label}: `}${name} ${time(ms)}, ${percentToTenth(fraction)} (${meaning})`
      return drawMark(
        { text, class: `s-${name}`, data: { k: name, run: label, v: ms } },
        markup`<rect class="bar" x="${from}" y="${top}" width="${width}" height="${BAR}"/>`,
      )
    })
    const title = label === '' ? time(meanMs) : `${shorten(label, 32)}: ${time(meanMs)}`
    return markup`<text class="tick" x="${box.left}" y="${top - 6}">${title}</text>${drawn}`
  })
  const names = [...new Set(runs.flatMap(({ parts }) => parts.map(({ name }) => name)))]
  const key = names.map(
    (name, i) =>
      markup`<g class="s-${name}"><rect class="bar" x="${LEFT + i * 88}" y="4" width="10" height="10"/><text class="tick" x="${LEFT + 14 + i * 88}" y="14">${name}</text></g>`,
  )
  return {
    drawn: markup`${drawFrame(box, { ticks: ticksOf(x, (ms) => tickText(ms / unit.ms)), title: `mean latency, ${unit.name}` }, { ticks: [], title: '' })}${bars}${key}`,
    x,
    height: bottom + 46,
  }
}

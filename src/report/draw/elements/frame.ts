import { type Markup, markup } from '../../markup.js'
import type { Scale } from './scale.js'

/** The plot area of a chart, in pixels. */
export interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

/** The size of a chart in its own units; pages scale it to the available width. */
export const WIDTH = 460
export const HEIGHT = 300

/** The default plot area, between the texts of the axes. */
export const PLOT: Box = { left: 62, right: WIDTH - 48, top: 34, bottom: HEIGHT - 46 }

export interface Tick {
  at: number
  label: string
}

/** The width of a character on a narrow page, where texts are larger relative to the chart. */
const CHARACTER = 8.5
/** The least space between two labels. */
const GAP = 10

/** Rounds to a tenth of a pixel. */
export const px = (value: number) => Number(value.toFixed(1))

/** Labels the ticks of a scale. */
export function ticksOf(scale: Scale, label: (value: number) => string): Tick[] {
  return scale.ticks.map((value) => ({ at: scale.at(value), label: label(value) }))
}

/** Formats a number at an axis, with at most four digits. */
export const tickText = (value: number) => value.toLocaleString('en', { maximumSignificantDigits: 4 })

/** Draws both axes, their ticks and titles, and the grid lines of the y axis. */
export function drawFrame(box: Box, x: { ticks: Tick[]; title: string }, y: { ticks: Tick[]; title: string }): Markup {
  const { left, right, bottom } = box
  const grid = y.ticks.map(({ at }) => `M${left} ${px(at)}H${right}`).join('')
  const axis = x.ticks.map(({ at }) => `M${px(at)} ${bottom}v4`).join('')
  const xLabels = dropOverlaps(x.ticks).map(
    ({ at, label }) => markup`<text x="${px(at)}" y="${bottom + 20}">${label}</text>`,
  )
  const yLabels = y.ticks.map(({ at, label }) => markup`<text x="${left - 8}" y="${px(at + 4.5)}">${label}</text>`)
  return markup`<g class="frame"><path class="grid" d="${grid}"/><path class="axis" d="M${left} ${bottom}H${right}${axis}"/><g class="tick end">${yLabels}</g><g class="tick middle">${xLabels}<text x="${(left + right) / 2}" y="${bottom + 40}">${x.title}</text></g><text class="tick" x="8" y="15">${y.title}</text></g>`
}

/** Drops labels that would overlap: of evenly spaced ticks, keeps every second, third and so on. */
function dropOverlaps(ticks: Tick[]): Tick[] {
  const steps = ticks.slice(1).map(({ at }, i) => at - (ticks[i] as Tick).at)
  const even = ticks.length > 2 && Math.max(...steps) - Math.min(...steps) < 1
  for (let every = 1; even && every < ticks.length; every++) {
    const kept = ticks.filter((_, i) => i % every === 0)
    if (dropTouching(kept).length === kept.length) return kept
  }
  return dropTouching(ticks)
}

/** Drops each label that would touch the one before. */
function dropTouching(ticks: Tick[]): Tick[] {
  let free = Number.NEGATIVE_INFINITY
  return ticks.filter(({ at, label }) => {
    const half = (label.length * CHARACTER) / 2
    if (at - half < free) return false
    free = at + half + GAP
    return true
  })
}

/** Moves labels apart that are closer than `gap`, each as little as possible, and keeps them within the box. */
export function spreadLabels(heights: number[], gap: number, box?: Box): number[] {
  const moved = [...heights]
  const order = heights.map((_, i) => i).sort((a, b) => (heights[a] as number) - (heights[b] as number))
  // each round halves the remaining overlap
  for (let round = 0; round < 60; round++) {
    order.slice(1).forEach((lower, k) => {
      const upper = order[k] as number
      const shorten = gap - ((moved[lower] as number) - (moved[upper] as number))
      if (shorten <= 0) return
      moved[upper] = (moved[upper] as number) - shorten / 2
      moved[lower] = (moved[lower] as number) + shorten / 2
    })
  }
  if (box === undefined) return moved
  const above = Math.max(0, box.top - Math.min(...moved))
  const below = Math.max(0, Math.max(...moved) - box.bottom)
  return moved.map((height) => height + above - below)
}

import { type Markup, markup } from '../markup.js'
import type { Scale } from './scale.js'

/** Where a chart is drawn, in pixels. */
export interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

/** Every chart has this size, and is shown larger or smaller as there is room. */
export const WIDTH = 460
export const HEIGHT = 300

/** The room that is left for what is drawn between the axes' texts. */
export const PLOT: Box = { left: 62, right: WIDTH - 48, top: 34, bottom: HEIGHT - 46 }

export interface Tick {
  at: number
  label: string
}

/** The widest that a character gets: on a narrow page texts are larger beside what is drawn. */
const CHARACTER = 8.5
const BETWEEN = 10

/** To a tenth of a pixel. */
export const px = (value: number) => Number(value.toFixed(1))

/** A scale's ticks and their texts. */
export function ticksOf(scale: Scale, label: (value: number) => string): Tick[] {
  return scale.ticks.map((value) => ({ at: scale.at(value), label: label(value) }))
}

/** A number at an axis: as short as it is exact. */
export const tickText = (value: number) => value.toLocaleString('en', { maximumSignificantDigits: 4 })

/** The two axes with the lines that lead from their ticks across the plot. */
export function frame(box: Box, x: { ticks: Tick[]; title: string }, y: { ticks: Tick[]; title: string }): Markup {
  const { left, right, bottom } = box
  const grid = y.ticks.map(({ at }) => `M${left} ${px(at)}H${right}`).join('')
  const axis = x.ticks.map(({ at }) => `M${px(at)} ${bottom}v4`).join('')
  const below = withoutOverlap(x.ticks).map(
    ({ at, label }) => markup`<text x="${px(at)}" y="${bottom + 20}">${label}</text>`,
  )
  const beside = y.ticks.map(({ at, label }) => markup`<text x="${left - 8}" y="${px(at + 4.5)}">${label}</text>`)
  return markup`<g class="frame"><path class="grid" d="${grid}"/><path class="axis" d="M${left} ${bottom}H${right}${axis}"/><g class="tick end">${beside}</g><g class="tick middle">${below}<text x="${(left + right) / 2}" y="${bottom + 40}">${x.title}</text></g><text class="tick" x="8" y="15">${y.title}</text></g>`
}

/** Without the labels that would touch one another: of ticks at even distances every second or third is left. */
function withoutOverlap(ticks: Tick[]): Tick[] {
  const steps = ticks.slice(1).map(({ at }, i) => at - (ticks[i] as Tick).at)
  const even = ticks.length > 2 && Math.max(...steps) - Math.min(...steps) < 1
  for (let every = 1; even && every < ticks.length; every++) {
    const left = ticks.filter((_, i) => i % every === 0)
    if (apartFromOneAnother(left).length === left.length) return left
  }
  return apartFromOneAnother(ticks)
}

/** Without those that would touch the one before. */
function apartFromOneAnother(ticks: Tick[]): Tick[] {
  let free = Number.NEGATIVE_INFINITY
  return ticks.filter(({ at, label }) => {
    const half = (label.length * CHARACTER) / 2
    if (at - half < free) return false
    free = at + half + BETWEEN
    return true
  })
}

/** Moves heights that are nearer to one another than this apart, each as little as the others and the box allow. */
export function apart(heights: number[], least: number, box?: Box): number[] {
  const moved = [...heights]
  const order = heights.map((_, i) => i).sort((a, b) => (heights[a] as number) - (heights[b] as number))
  // each round halves what is left to move
  for (let round = 0; round < 60; round++) {
    order.slice(1).forEach((lower, k) => {
      const upper = order[k] as number
      const short = least - ((moved[lower] as number) - (moved[upper] as number))
      if (short <= 0) return
      moved[upper] = (moved[upper] as number) - short / 2
      moved[lower] = (moved[lower] as number) + short / 2
    })
  }
  if (box === undefined) return moved
  const above = Math.max(0, box.top - Math.min(...moved))
  const below = Math.max(0, Math.max(...moved) - box.bottom)
  return moved.map((height) => height + above - below)
}

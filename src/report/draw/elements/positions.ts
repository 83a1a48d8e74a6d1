import { scaleLinear, scaleLog, scalePoint } from 'd3-scale'
import { px, type Tick } from './frame.js'

/** A swept value: its label, and its number if it has one. */
export interface Place {
  label: string
  at: number | null
}

/** Positions of swept values along an axis, with one tick for each. */
export interface Positions {
  ticks: Tick[]
  at(label: string): number
  /** from halfway to the previous value to halfway to the next */
  around(label: string): [number, number]
}

/** From this ratio of the largest to the smallest number on, the axis is logarithmic. */
const WIDE = 8

/** Places numbers to scale, and other values at equal distances in the order given. */
export function positionsOf(places: readonly Place[], [from, to]: [number, number]): Positions {
  const distinct = places.filter(({ label }, i) => places.findIndex((place) => place.label === label) === i)
  const numbers = distinct.flatMap(({ at }) => (at === null ? [] : [at]))
  const scaled = numbers.length === distinct.length && numbers.length > 1 ? numberScale(numbers, [from, to]) : null
  const ordinal = scalePoint(
    distinct.map(({ label }) => label),
    [from, to],
  ).padding(0.5)
  const ticks = distinct
    .map(({ label, at }) => ({ label, at: scaled === null ? (ordinal(label) as number) : scaled(at as number) }))
    .sort((a, b) => a.at - b.at)
  const index = (label: string) => ticks.findIndex((tick) => tick.label === label)
  const at = (i: number) => (ticks[i] as Tick).at
  return {
    ticks,
    at: (label) => at(index(label)),
    around: (label) => {
      const i = index(label)
      const half = (other: number, end: number) => (ticks[other] === undefined ? end : (at(i) + at(other)) / 2)
      return [px(half(i - 1, from)), px(half(i + 1, to))]
    },
  }
}

function numberScale(numbers: number[], [from, to]: [number, number]): (value: number) => number {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  const room = Math.min(28, (to - from) / (2 * numbers.length))
  const range = [from + room, to - room]
  return least > 0 && most / least >= WIDE ? scaleLog([least, most], range) : scaleLinear([least, most], range)
}

import { scaleLinear, scaleLog } from 'd3-scale'
import { stepsOver } from '../terminal/axis.js'

/** Where values stand along an axis, in pixels, and those that are written at it. */
export interface Scale {
  kind: 'log' | 'linear'
  domain: [number, number]
  range: [number, number]
  ticks: number[]
  at(value: number): number
}

type Ends = [number, number]

/** A scale from 0 to above all of these values. */
export function linearScale(values: readonly number[], range: Ends, about = 5): Scale {
  const most = Math.max(...values, 0)
  const scale = scaleLinear([0, most === 0 ? 1 : most], range).nice(about)
  return { kind: 'linear', domain: scale.domain() as Ends, range, ticks: scale.ticks(about), at: scale }
}

/** A linear scale between two values that are not moved to round ones. */
export function exactScale(domain: Ends, range: Ends, about = 5): Scale {
  const scale = scaleLinear(domain, range)
  return { kind: 'linear', domain, range, ticks: scale.ticks(about), at: scale }
}

/** A scale on which equal ratios are equally long, over these values; what is not above 0 stands at its low end. */
export function logScale(values: readonly number[], range: Ends, most = 8): Scale {
  const steps = stepsOver(values.some((value) => value > 0) ? values : [1])
  const domain: Ends = [steps[0] as number, steps.at(-1) as number]
  const scale = scaleLog(domain, range)
  return { kind: 'log', domain, range, ticks: fewer(steps, most), at: (value) => scale(Math.max(value, domain[0])) }
}

/** A log scale between two values that are not moved to round ones. */
export function exactLogScale(domain: Ends, range: Ends, ticks: number[]): Scale {
  const scale = scaleLog(domain, range)
  const at = (value: number) => scale(Math.min(Math.max(value, domain[0]), domain[1]))
  return { kind: 'log', domain, range, ticks, at }
}

/** Powers of ten alone where all steps are too many, and then every second, third, … of them. */
function fewer(steps: number[], most: number): number[] {
  if (steps.length <= most) return steps
  const decades = steps.filter((step) => Math.abs(Math.log10(step) - Math.round(Math.log10(step))) < 1e-6)
  if (decades.length < 2) return steps.filter((_, i) => i % Math.ceil(steps.length / most) === 0)
  return decades.filter((_, i) => i % Math.ceil(decades.length / most) === 0)
}

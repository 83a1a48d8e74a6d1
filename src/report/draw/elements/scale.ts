import { scaleLinear, scaleLog } from 'd3-scale'
import { stepsOver } from '../../terminal/axis.js'

/** Maps values to pixels along an axis, and lists its ticks. */
export interface Scale {
  kind: 'log' | 'linear'
  domain: [number, number]
  range: [number, number]
  ticks: number[]
  at(value: number): number
}

type Ends = [number, number]

/** Creates a linear scale from 0 to a round number above all values. */
export function linearScale(values: readonly number[], range: Ends, about = 5): Scale {
  const most = Math.max(...values, 0)
  const scale = scaleLinear([0, most === 0 ? 1 : most], range).nice(about)
  return { kind: 'linear', domain: scale.domain() as Ends, range, ticks: scale.ticks(about), at: scale }
}

/** Creates a linear scale over exactly this domain. */
export function exactScale(domain: Ends, range: Ends, about = 5): Scale {
  const scale = scaleLinear(domain, range)
  return { kind: 'linear', domain, range, ticks: scale.ticks(about), at: scale }
}

/** Creates a logarithmic scale over these values; values of 0 or less are placed at its low end. */
export function logScale(values: readonly number[], range: Ends, most = 8): Scale {
  const steps = stepsOver(values.some((value) => value > 0) ? values : [1])
  const domain: Ends = [steps[0] as number, steps.at(-1) as number]
  const scale = scaleLog(domain, range)
  return { kind: 'log', domain, range, ticks: thinTicks(steps, most), at: (value) => scale(Math.max(value, domain[0])) }
}

/** Creates a logarithmic scale over exactly this domain. */
export function exactLogScale(domain: Ends, range: Ends, ticks: number[]): Scale {
  const scale = scaleLog(domain, range)
  const at = (value: number) => scale(Math.min(Math.max(value, domain[0]), domain[1]))
  return { kind: 'log', domain, range, ticks, at }
}

/** Thins out ticks: to powers of ten, then to every second, third and so on. */
function thinTicks(steps: number[], most: number): number[] {
  if (steps.length <= most) return steps
  const decades = steps.filter((step) => Math.abs(Math.log10(step) - Math.round(Math.log10(step))) < 1e-6)
  if (decades.length < 2) return steps.filter((_, i) => i % Math.ceil(steps.length / most) === 0)
  return decades.filter((_, i) => i % Math.ceil(decades.length / most) === 0)
}

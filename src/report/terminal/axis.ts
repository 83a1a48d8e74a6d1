/** A horizontal logarithmic axis. */
export interface LogAxis {
  /** the tick labels, each starting at the column of its value */
  labels: string
  /** the column of a value, from 0 */
  at(value: number): number
}

/** Creates an axis of this width over these values, of which at least one must be above 0. */
export function createAxis(values: number[], columns: number): LogAxis {
  const steps = stepsOver(values)
  const [low, high] = [steps[0], steps.at(-1)] as [number, number]
  const column = (columns - 1) / Math.log(high / low)
  const at = (value: number) => Math.min(columns - 1, Math.round(column * Math.log(Math.max(value, low) / low)))

  let labels = ''
  for (const step of steps) {
    const label = step.toLocaleString('en', { maximumSignificantDigits: 1 })
    const from = Math.min(at(step), columns - label.length)
    if (from > labels.length || labels === '') labels = labels.padEnd(from) + label
  }
  return { labels, at }
}

/** Lists the steps 1, 2, 5, 10, 20 and so on that enclose the positive values. */
export function stepsOver(values: readonly number[]): number[] {
  const positive = values.filter((value) => value > 0)
  const low = stepAtOrBelow(Math.min(...positive))
  const high = Math.max(nextStep(stepAtOrBelow(Math.max(...positive) * 0.999999)), nextStep(low))
  const steps = [low]
  while ((steps.at(-1) as number) < high * 0.999999) steps.push(nextStep(steps.at(-1) as number))
  return steps
}

/** The largest step that is not above the value. */
function stepAtOrBelow(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value))
  const steps = [1, 2, 5, 10].map((step) => step * decade)
  return steps.filter((step) => step <= value * 1.000001).at(-1) as number
}

function nextStep(step: number): number {
  const decade = 10 ** Math.floor(Math.log10(step * 1.000001))
  const leading = Math.round(step / decade)
  return (leading === 1 ? 2 : leading === 2 ? 5 : 10) * decade
}

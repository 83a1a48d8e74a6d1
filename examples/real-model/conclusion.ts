import { capacity, checkBudget, type Result, type Scenario } from 'throughline'
import { rate, type Style, time, wrap } from 'throughline/report'

/** The batch size that carries the most within a limit, and how much one at a time carries. */
export interface Found {
  batchSize: number
  /** requests a second */
  rate: number
  /** null where one at a time carries nothing within the limit */
  oneAtATime: number | null
}

/** Searches the load of each scenario in `simulate`. */
export function highestWithin(scenarios: Scenario[], limit: { p99: number }): Found | null {
  const found = scenarios.flatMap((scenario) => {
    const highest = capacity({ ...scenario, stop: { requests: 40_000 } }, limit)
    const batchSize = scenario.batching?.maxBatchSize ?? 1
    return highest === null ? [] : [{ batchSize, rate: highest.rate }]
  })
  if (found.length === 0) return null
  const best = found.reduce((a, b) => (b.rate > a.rate ? b : a))
  return { ...best, oneAtATime: found.find(({ batchSize }) => batchSize === 1)?.rate ?? null }
}

/** What to conclude, and whether measuring there bore it out. */
export function conclusion(found: Found | null, measured: Result | null, limit: { p99: number }, style: Style): string {
  const within = `Within a p99 of ${time(limit.p99)}`
  if (found === null || measured === null) return ` ${style('bold', `${within}, no batch size carries any load.`)}`
  const { batchSize, rate: perSecond, oneAtATime } = found
  const times =
    oneAtATime === null
      ? 'where one at a time carries nothing'
      : `${(perSecond / oneAtATime).toPrecision(2)} times one at a time`
  const what = batchSize === 1 ? 'one at a time carries' : `batches of up to ${batchSize} carry`
  const predicted = `${within}, ${what} the most: ${rate(perSecond)} predicted${batchSize === 1 ? '' : `, ${times}`}.`
  const { latencyMs, throughput } = measured
  const { verdict, rules } = checkBudget(measured, limit)
  const said = { pass: 'Confirmed', fail: 'Not confirmed', inconclusive: 'Neither confirmed nor refuted' }[verdict]
  const reason = rules.find((rule) => rule.verdict === verdict)?.reason
  const confirmed = `${said} by one run there: p99 ${time(latencyMs.p99)} at ${rate(throughput.completed)}${verdict === 'pass' || reason === undefined ? '' : `; ${reason}`}.`
  return `${lines(predicted, (line) => style('bold', line))}\n${lines(confirmed)}`
}

const lines = (text: string, styled = (line: string) => line) =>
  wrap(text, 98)
    .map((line) => ` ${styled(line)}`)
    .join('\n')

/** How many of the measured runs are not valid, and why: a machine that is busy with something else says so. */
export function doubts(measured: Result[], style: Style): string {
  // what cannot carry its load says so in the table
  const carrying = measured.filter(({ validity }) => !validity.findings.some(({ code }) => OVERLOADED.has(code)))
  const reasons = carrying.flatMap(({ validity }) => {
    const errors = validity.findings.filter(({ severity }) => severity === 'error')
    return errors.slice(0, 1).map(({ message }) => message)
  })
  if (reasons.length === 0) return ''
  const what = `${reasons.length} of the ${carrying.length} measured runs that carried the load are not valid. One of them says:`
  return `\n ${style('yellow', what)}\n${lines(reasons[0] as string)}\n`
}

const OVERLOADED = new Set(['saturated', 'cut-off'])

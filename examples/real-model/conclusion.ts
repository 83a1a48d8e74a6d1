import { capacity, checkBudget, type Result, type Scenario, ValidationError } from 'throughline'
import { rate, type Style, time, wrap } from 'throughline/report'

/** The batch size with the highest load within a limit, and the highest load of one at a time. */
export interface Found {
  batchSize: number
  /** requests per second, simulated with the calibration of the typical round */
  rate: number
  /** the rate less a margin: the difference between the rounds, and at least a quarter */
  advised: number
  margin: number
  /** null if one at a time sustains nothing within the limit */
  oneAtATime: number | null
}

/** The machine may become slower than in any of the rounds. */
const LEAST_MARGIN = 0.25

/** Searches the highest load by simulation: for each batch size with its typical round, for the best one with all rounds. */
export function highestWithin(
  scenarios: { typical: Scenario; rounds: Scenario[] }[],
  limit: { p99: number },
): Found | null {
  const highest = (scenario: Scenario) => {
    try {
      return capacity({ ...scenario, stop: { requests: 50_000 } }, limit)?.rate ?? 0
    } catch (error) {
      // its service time by itself is about the limit, so that no run shows whether it keeps it
      if (error instanceof ValidationError) return 0
      throw error
    }
  }
  const found = scenarios.map(({ typical, rounds }) => {
    return { batchSize: typical.batching?.maxBatchSize ?? 1, rate: highest(typical), rounds }
  })
  const best = found.reduce((a, b) => (b.rate > a.rate ? b : a))
  if (best.rate === 0) return null
  const lowest = Math.min(...best.rounds.map(highest).filter((rate) => rate > 0))
  const margin = Math.max(LEAST_MARGIN, 1 - lowest / best.rate)
  const oneAtATime = found.find(({ batchSize }) => batchSize === 1)?.rate || null
  return { ...best, advised: Math.floor((1 - margin) * best.rate), margin, oneAtATime }
}

/** Renders the conclusion, and whether a measurement at the advised load confirmed it. */
export function conclusion(found: Found | null, measured: Result | null, limit: { p99: number }, style: Style): string {
  const within = `Within a p99 of ${time(limit.p99)}`
  if (found === null || measured === null) return ` ${style('bold', `${within}, no batch size sustains any load.`)}`
  const { batchSize, rate: perSecond, advised, margin, oneAtATime } = found
  const times =
    oneAtATime === null ? 'and one at a time nothing' : `${(perSecond / oneAtATime).toPrecision(2)} times one at a time`
  const what = batchSize === 1 ? 'one at a time sustains' : `batches of up to ${batchSize} sustain`
  const predicted = `${within}, ${what} the most: ${rate(perSecond)} predicted${batchSize === 1 ? '' : `, ${times}`}.`
  const advice = `Run it at up to ${rate(advised)}: ${Math.round(100 * margin)} % below, for a machine that is slower at other times.`
  const { latencyMs, throughput } = measured
  const { verdict, rules } = checkBudget(measured, limit)
  const outcome = { pass: 'Confirmed', fail: 'Not confirmed', inconclusive: 'Neither confirmed nor refuted' }[verdict]
  const reason = rules.find((rule) => rule.verdict === verdict)?.reason
  const confirmed = `${outcome} by one run there: p99 ${time(latencyMs.p99)} at ${rate(throughput.completed)}${verdict === 'pass' || reason === undefined ? '' : `; ${reason}`}.`
  return `${lines(`${predicted} ${advice}`, (line) => style('bold', line))}\n${lines(confirmed)}`
}

const lines = (text: string, styled = (line: string) => line) =>
  wrap(text, 98)
    .map((line) => ` ${styled(line)}`)
    .join('\n')

/** Renders a warning if the machine was too noisy; empty if it was quiet. */
export function noiseWarning(measured: Result[], style: Style): string {
  const invalid = measured.filter(({ validity }) => !validity.valid)
  const contended = measured.filter(({ validity }) => validity.findings.some(({ code }) => code === 'cpu-contention'))
  const all = measured.length
  if (invalid.length === 0 && contended.length <= all / 4) return ''
  const why =
    contended.length > 0
      ? `other processes used the CPU in ${contended.length} of ${all} runs`
      : `${invalid.length} of ${all} runs are not valid`
  const text = `The machine was too noisy for exact figures: ${why}. Run it again with nothing else running.`
  return `\n${lines(text, (line) => style('yellow', line))}\n`
}

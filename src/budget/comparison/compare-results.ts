import { z } from 'zod'
import { checkResult } from '../../result/check.js'
import { describeMachines } from '../../result/merge/merged.js'
import type { Result } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import type { StoredHttp } from '../../scenario/http.js'
import { type Fraction, fraction, options } from '../../scenario/units.js'
import { mean, sumBy } from '../../statistics/descriptive.js'
import { student } from '../../statistics/student.js'
import { roughPercent } from '../../text/number.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { LEVEL, TOTAL_TAIL } from './checkpoints.js'
import { HIDDEN, LATE, OVER } from './compare-pairs.js'
import {
  type ComparedMetric,
  type Comparison,
  comparedMetrics,
  differingFields,
  type FractionMetric,
  isFraction,
  type JudgeOptions,
  judgeShape,
  LOAD,
  type MetricComparison,
  overallVerdict,
  refuseGoodput,
  type Side,
  UNITS,
  verdictOf,
} from './comparison.js'
import { type Contention, contentionOf, waitedFraction } from './contention.js'
import { type HistoryEntry, readFigures } from './history-entry.js'
import { type SampledFigure, sampleMetric } from './sampling.js'

/** Options of `compareResults`. */
export interface CompareResultsOptions extends JudgeOptions {
  /**
   * The difference that the machine alone makes between two measurements of the same code, in 99 of 100 pairs.
   *
   * @default '60%' if either result was measured, 0 if both were simulated
   */
  machineNoise?: Fraction | undefined
  /**
   * At least 5 earlier results of the same scenario on the same kind of machine, such as those of the last builds, or
   * entries of a stored history. The machine's noise is then estimated from their spread, for each metric. Excludes
   * `machineNoise`.
   *
   * @default no history: `machineNoise` applies
   */
  history?: readonly (Result | HistoryEntry)[] | undefined
}

const FEWEST_IN_HISTORY = 5
const schema = options({
  ...judgeShape,
  machineNoise: fraction.optional(),
  history: z
    .custom<readonly (Result | HistoryEntry)[]>((value) => Array.isArray(value) && value.length >= FEWEST_IN_HISTORY, {
      error: `must be a list of at least ${FEWEST_IN_HISTORY} results`,
    })
    .optional(),
})

/**
 * Default noise of the machine between two measurements of the same code: times differ by this fraction, and by this many
 * milliseconds, which is the time to wake a thread and to run a turn of the event loop.
 */
const NOISE = 0.6
const NOISE_MS = 0.3
/** The difference that the machine alone may make between two measurements. */
interface Noise {
  /** bound on the logarithm of a ratio */
  logOf(metric: ComparedMetric): number
  /** in milliseconds */
  ms: number
  /** its source, for messages */
  source: string
}

/**
 * Compares two results that were not run together. The interval of a ratio allows for three uncertainties: the error of
 * each of the two figures, and the machine's noise between the runs (the square root of the sum of their squares, on a
 * logarithmic scale: Zou and Donner, Statistics in Medicine 27, 2008). The noise is the largest; `history` measures it on
 * your machines. `compare` cancels it by running both in turn, and so finds far smaller differences.
 *
 * A run whose backlog grew is slower than one that kept up. A run that is invalid for another reason, or too short, makes
 * the comparison inconclusive.
 *
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1ms' })
 * const head = simulate({ arrivals: '500/s', service: '1.2ms' })
 * compareResults(base, head).verdict // 'slower'
 *
 * @param base the result to compare with
 * @param head the result to judge
 * @throws ValidationError if an option is invalid, or a value is not a Result
 */
export function compareResults(base: Result, head: Result, given: CompareResultsOptions = {}): Comparison {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'options', given)
  const { of, within, machineNoise, history } = asked.data
  if (machineNoise !== undefined && history !== undefined) {
    throw new ValidationError('options.machineNoise', 'must be omitted if history is given, which measures it')
  }
  const both = { base: checkResult(base, 'base'), head: checkResult(head, 'head') }
  const measured = [base, head].some(({ engine }) => engine !== 'simulate')
  const noise = history === undefined ? buildNoise(machineNoise ?? (measured ? NOISE : 0), measured) : noiseIn(history)
  const invalid = invalidFindings(both)
  const reason = invalid[0]?.message
  // goodput by other limits is another figure
  const judged =
    base.goodput !== undefined && JSON.stringify(base.goodput.limits) === JSON.stringify(head.goodput?.limits)
  refuseGoodput('options.of', of, judged)
  const metrics = comparedMetrics(judged).map((metric): MetricComparison => {
    const each = isFraction(metric)
      ? compareFractions(metric, both, within, noise)
      : compareRatio(metric, both, within, noise)
    return reason === undefined ? each : { ...each, verdict: 'inconclusive', reason }
  })
  const sides = { base: sideOf(base), head: sideOf(head) }
  const { by: _, ...verdict } = overallVerdict({ of, metrics, ...sides })
  return {
    schema: 'throughline/comparison@1',
    engine: head.engine,
    design: 'unpaired',
    null: false,
    rounds: 0,
    of,
    within,
    ...verdict,
    metrics,
    ...sides,
    pairs: [],
    findings: [
      ...invalid,
      ...overloadFindings(both),
      ...differenceFindings(base, head),
      ...(history ?? []).slice(0, 1).flatMap((earlier) => historyFindings(base, earlier)),
      ...(measured ? [notInterleavedFinding(noise, both)] : []),
    ],
  }
}

const sideOf = ({ scenario, environment }: Result | HistoryEntry): Comparison['base'] => ({ scenario, environment })
const isOver = (result: Result) =>
  result.validity.findings.some(({ code, severity }) => severity === 'error' && OVER.includes(code))

function buildNoise(noise: number, measured: boolean): Noise {
  return {
    logOf: () => Math.log1p(noise),
    ms: measured && noise > 0 ? NOISE_MS : 0,
    source: `intervals of times allow for ${roughPercent(noise)}, because two runs of the same code may differ by that much on a shared machine; give a history of earlier results to measure the noise of yours`,
  }
}

/** Estimates the noise between two more results from the spread of earlier ones (Student's t). */
function noiseIn(history: readonly (Result | HistoryEntry)[]): Noise {
  const rounds = history.map((each, i) => readFigures(each, `options.history[${i}]`))
  const t = student(TOTAL_TAIL, rounds.length - 1)
  const logOf = (metric: ComparedMetric) => {
    const values = rounds.map((figures) => figures[metric] ?? 0)
    if (values.every((value) => value === values[0])) return 0
    const logs = values.map(Math.log)
    const middle = mean(logs)
    const squares = sumBy(logs, (each) => (each - middle) ** 2)
    return t * Math.sqrt((2 * squares) / (logs.length - 1))
  }
  return {
    logOf,
    ms: 0,
    source: `according to ${history.length} earlier results, two runs of the same code differ by up to ${roughPercent(Math.expm1(logOf('mean')))} in mean latency`,
  }
}

function compareRatio(
  metric: Exclude<ComparedMetric, FractionMetric>,
  both: Record<Side, Result>,
  within: number,
  noise: Noise,
): MetricComparison {
  const isTime = metric !== 'throughput'
  const isLatency = isTime && metric !== 'service.mean'
  const beyond: SampledFigure = { value: null, low: Number.POSITIVE_INFINITY, high: null }
  const figure = (side: Side) =>
    isLatency && isOver(both[side]) ? beyond : sampleMetric(metric, both[side], TOTAL_TAIL)
  const [base, head] = [figure('base'), figure('head')]
  // throughput under an open load is the offered rate, however fast the machine is
  const log = isTime ? noise.logOf(metric) : 0
  const ms = isTime ? noise.ms : 0
  const contention = (side: Side) => contentionOf(metric, both[side])
  const reason = base.reason ?? head.reason
  const bounds =
    reason === undefined
      ? {
          low: lowestRatio(base, subtractContention(head, contention('head')), log, ms),
          high: highestRatio(subtractContention(base, contention('base')), head, log, ms),
        }
      : { low: 0, high: null }
  const interval = { low: Number.isFinite(bounds.low) ? bounds.low : null, high: bounds.high }
  const found: MetricComparison = {
    metric,
    unit: UNITS[metric],
    base: base.value,
    head: head.value,
    ratio: ratioOf(base.value, head.value),
    difference: null,
    interval: { ...interval, level: LEVEL, ...(reason !== undefined && { reason }) },
    verdict: 'inconclusive',
  }
  const judged = { ...found, verdict: verdictOf(found, within), ...(reason !== undefined && { reason }) }
  if (!isLatency || judged.verdict !== 'same' || !isLate(both)) return judged
  return {
    ...judged,
    interval: { low: null, high: null, level: LEVEL, reason: HIDDEN },
    verdict: 'inconclusive',
    reason: HIDDEN,
  }
}

const isLate = (both: Record<Side, Result>) =>
  [both.base, both.head].some(({ validity }) => validity.findings.some(({ code }) => code === LATE))

/** Lowers a figure and its lower bound by the most that waiting for a core may have added. */
function subtractContention(figure: SampledFigure, { factor, ms }: Contention): SampledFigure {
  const without = (value: number) => Math.max(0, value / factor - ms)
  return { ...figure, value: figure.value === null ? null : without(figure.value), low: without(figure.low) }
}

function ratioOf(base: number | null, head: number | null): number | null {
  if (base === null || head === null) return null
  if (base === head) return 1
  return base === 0 || head === 0 ? null : head / base
}

/** The lower bound of head / base; Infinity if head is unbounded and base is not. */
function lowestRatio(base: SampledFigure, head: SampledFigure, log: number, ms: number): number {
  if (base.high === null) return 0
  if (head.low === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  const { value: b } = base
  const { value: h } = head
  if (b === null || b === 0 || h === null || h === 0) {
    const [least, most] = [head.low * Math.exp(-log) - ms, base.high]
    if (most === 0) return least > 0 ? Number.POSITIVE_INFINITY : h === b ? 1 : 0
    return Math.max(0, least / most)
  }
  if (head.low === 0) return 0
  const distance = Math.hypot(Math.log(h / head.low), Math.log(base.high / b), log)
  return Math.max(0, (h / b) * Math.exp(-distance) - ms / b)
}

/** The upper bound of head / base; null if unbounded. */
function highestRatio(base: SampledFigure, head: SampledFigure, log: number, ms: number): number | null {
  if (head.high === null) return null
  if (base.low === Number.POSITIVE_INFINITY) return 0
  const { value: b } = base
  const { value: h } = head
  if (b === null || b === 0 || h === null || h === 0) {
    const [most, least] = [head.high * Math.exp(log) + ms, base.low]
    if (least === 0) return most === 0 && h === b ? 1 : null
    return most / least
  }
  if (base.low === 0) return null
  const distance = Math.hypot(Math.log(head.high / h), Math.log(b / base.low), log)
  return (h / b) * Math.exp(distance) + ms / b
}

/** How many more requests are good on a machine that is faster by so much is not known. */
const MACHINE_MATTERS = 'the machine may have made this difference; use compare, which runs both in turn'

function compareFractions(
  metric: FractionMetric,
  both: Record<Side, Result>,
  within: number,
  { ms }: Noise,
): MetricComparison {
  const [base, head] = [
    sampleMetric(metric, both.base, TOTAL_TAIL / 2),
    sampleMetric(metric, both.head, TOTAL_TAIL / 2),
  ]
  const machine = metric === 'goodput' && ms > 0 ? MACHINE_MATTERS : undefined
  const reason = base.reason ?? head.reason ?? machine
  const found: MetricComparison = {
    metric,
    unit: UNITS[metric],
    base: base.value,
    head: head.value,
    ratio: null,
    difference: (head.value as number) - (base.value as number),
    interval: {
      low: base.high === null || machine !== undefined ? null : head.low - base.high,
      high: head.high === null || machine !== undefined ? null : head.high - base.low,
      level: LEVEL,
      ...(reason !== undefined && { reason }),
    },
    verdict: 'inconclusive',
  }
  return { ...found, verdict: verdictOf(found, within), ...(reason !== undefined && { reason }) }
}

/** If threads waited for a core for a larger fraction of their time, the machine may have caused the overload of a run. */
const MOST_WAITED = 0.1

/** Errors of runs that are invalid for another reason than slow code: nothing can be compared. */
function invalidFindings(both: Record<Side, Result>): Finding[] {
  const over = isOver(both.base) && isOver(both.head)
  const isMachine = (side: Side) => waitedFraction(both[side]) > MOST_WAITED
  return (['base', 'head'] as const).flatMap((side) => {
    const found = both[side].validity.findings.filter(
      ({ severity, code }) =>
        severity === 'error' && code !== LATE && (over || isMachine(side) || !OVER.includes(code)),
    )
    if (found.length === 0) return []
    const errors = found.map(({ code, message }) => `${code}: ${message}`).join('; ')
    return [
      {
        code: 'run-invalid',
        severity: 'error',
        message: `${side} is invalid and cannot be compared: ${errors}`,
        figures: {},
      },
    ]
  })
}

function overloadFindings(both: Record<Side, Result>): Finding[] {
  if (isOver(both.base) === isOver(both.head)) return []
  const side = isOver(both.base) ? 'base' : 'head'
  const found = both[side].validity.findings.find(({ code }) => OVER.includes(code)) as Finding
  return [
    {
      code: 'load-not-sustained',
      severity: 'warning',
      message: `${side} did not sustain its load, and the other did: it is slower, by an unknown amount. ${found.code}: ${found.message}`,
      figures: {},
    },
  ]
}

function notInterleavedFinding({ source }: Noise, both: Record<Side, Result>): Finding {
  const waited = (['base', 'head'] as const)
    .filter((side) => waitedFraction(both[side]) > MOST_WAITED)
    .map((side) => `${roughPercent(waitedFraction(both[side]))} in ${side}`)
  const note =
    waited.length === 0
      ? ''
      : `. Threads were runnable but had no CPU for ${waited.join(' and ')} of their time: the intervals allow for this too`
  return {
    code: 'not-interleaved',
    severity: 'info',
    message: `base and head ran at different times, and the machine may have been faster for one of them: ${source}${note}. Use compare, which runs both in turn and finds much smaller differences`,
    figures: {},
  }
}

/** Warns of everything but the code that may explain a difference. */
function differenceFindings(base: Result, head: Result): Finding[] {
  const findings: Finding[] = []
  const add = (code: Finding['code'], message: string) =>
    findings.push({ code, severity: 'warning', message, figures: {} })
  if (base.engine !== head.engine) {
    add('environments-differ', `base is from ${ENGINES[base.engine]}, head from ${ENGINES[head.engine]}`)
  }
  if (base.environment !== null && head.environment !== null) {
    const named = { node: 'Node', platform: 'platform', cpu: 'CPU', cores: 'number of cores' } as const
    const [of, over] = [base.environment, head.environment]
    for (const key of Object.keys(named) as (keyof typeof named)[]) {
      if (of[key] !== over[key]) {
        add('environments-differ', `different ${named[key]}: ${of[key]} for base, ${over[key]} for head`)
      }
    }
  }
  const [ofBase, ofHead] = [base, head].map((result) => describeMachines(result) ?? 'one machine')
  if (ofBase !== ofHead) add('scenarios-differ', `base is from ${ofBase}, head from ${ofHead}`)
  if (base.scenario === null || head.scenario === null) return findings
  const fields = differingFields(sideOf(base), sideOf(head), LOAD)
  if (fields.length > 0) add('scenarios-differ', `the scenarios differ in ${fields.join(', ')}`)
  const [ofHttp, ofOther] = [base.scenario.http, head.scenario.http].map(requestsText)
  if (ofHttp !== null && ofOther !== null && ofHttp !== ofOther) {
    add('scenarios-differ', 'the scenarios differ in the requests that they send: http.requests, order or data')
  }
  if (base.scenario.seed !== head.scenario.seed) {
    add(
      'seeds-differ',
      `the seeds differ (${base.scenario.seed}, ${head.scenario.seed}): base and head did not serve the same requests`,
    )
  }
  return findings
}

/** The requests of an HTTP target, apart from its URL; files by what was in them. Null if there is no such target. */
function requestsText(http: StoredHttp | undefined): string | null {
  if (http === undefined) return null
  const { method, requests, order, data } = http
  const withoutPath = (value: unknown) =>
    typeof value === 'object' && value !== null && 'file' in value ? { ...value, file: undefined } : value
  return JSON.stringify([method, withoutPath(requests), order, withoutPath(data)])
}

const ENGINES = { simulate: 'a simulation', measure: 'a measurement', record: 'a live service' } as const

/** Warns if the history is of another load, whose noise may differ. */
function historyFindings(base: Result, earlier: Result | HistoryEntry): Finding[] {
  const fields = differingFields(sideOf(base), sideOf(earlier), LOAD)
  if (fields.length === 0) return []
  return [
    {
      code: 'scenarios-differ',
      severity: 'warning',
      message: `the history and base have different scenarios: they differ in ${fields.join(', ')}`,
      figures: {},
    },
  ]
}

import { z } from 'zod'
import { checkedResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { type Fraction, fraction, options } from '../scenario/units.js'
import { student } from '../statistics/student.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { EACH_WAY, LEVEL } from './checkpoints.js'
import { LATE, OVER } from './compare-pairs.js'
import {
  COMPARED,
  type ComparedMetric,
  type Comparison,
  differing,
  type JudgeOptions,
  judgeShape,
  LOAD,
  type MetricComparison,
  overall,
  type Side,
  UNITS,
  verdictOf,
} from './comparison.js'
import { type Contention, contentionOf, waitedFraction } from './contention.js'
import { figuresIn, type HistoryEntry } from './history-entry.js'
import { type Sampled, sampled } from './sampling.js'

export interface CompareResultsOptions extends JudgeOptions {
  /**
   * How far apart the machine alone puts two measurements of the same thing, in 99 of 100 pairs. Default 60% if one was
   * measured; 0 if both were simulated.
   */
  machineNoise?: Fraction | undefined
  /**
   * Earlier results of the same scenario on the same kind of machine, at least 5, such as those of the last builds:
   * the machine's noise is how far they are apart, for each metric. Entries of a stored history do too.
   */
  history?: readonly (Result | HistoryEntry)[] | undefined
}

const FEWEST_IN_HISTORY = 5
const schema = options({
  ...judgeShape,
  machineNoise: fraction.optional(),
  history: z
    .custom<readonly (Result | HistoryEntry)[]>((value) => Array.isArray(value) && value.length >= FEWEST_IN_HISTORY, {
      error: `must be a list of ${FEWEST_IN_HISTORY} results or more`,
    })
    .optional(),
})

/**
 * What two measurements of the same thing may be apart by because of the machine, unless it is stated: times by this
 * factor, and by this many milliseconds, which are what waking a thread and a turn of the event loop take.
 */
const NOISE = 0.6
const NOISE_MS = 0.3
/** How far the machine alone may put two measurements apart. */
interface Noise {
  /** of the logarithm of a ratio */
  logOf(metric: ComparedMetric): number
  /** in milliseconds */
  ms: number
  /** how it is known, for people */
  said: string
}

/**
 * Compares two results that were not run together. A ratio lies between bounds that allow for three things: how well
 * each of the two runs knows its own figure, and what the machine did to one and not to the other (a square root of the
 * sum of squares of the three distances, on a logarithmic scale: Zou and Donner, Statistics in Medicine 27, 2008). The
 * last of them is the largest; `history` says what it is on your machines. `compare` cancels it, and finds far smaller
 * differences.
 *
 * A run whose backlog grew is slower than one that kept up. One that is invalid for another reason, or too short, is
 * never said to be slower, faster or the same.
 *
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1ms' })
 * const head = simulate({ arrivals: '500/s', service: '1.2ms' })
 * compareResults(base, head).verdict // 'slower'
 *
 * @throws ValidationError if an option is invalid, or what is given is no Result
 */
export function compareResults(base: Result, head: Result, given: CompareResultsOptions = {}): Comparison {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'options', given)
  const { of, within, machineNoise, history } = asked.data
  if (machineNoise !== undefined && history !== undefined) {
    throw new ValidationError('options.machineNoise', 'must be left out if there is a history, which says what it is')
  }
  const both = { base: checkedResult(base, 'base'), head: checkedResult(head, 'head') }
  const measured = [base, head].some(({ engine }) => engine !== 'simulate')
  const noise = history === undefined ? statedNoise(machineNoise ?? (measured ? NOISE : 0), measured) : noiseIn(history)
  const invalid = invalidOf(both)
  const reason = invalid[0]?.message
  const metrics = COMPARED.map((metric): MetricComparison => {
    const each = metric === 'errorRate' ? compareErrors(both, within) : compareRatio(metric, both, within, noise)
    return reason === undefined ? each : { ...each, verdict: 'inconclusive', reason }
  })
  const sides = { base: sideOf(base), head: sideOf(head) }
  const { by: _, ...verdict } = overall({ of, metrics, ...sides })
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
      ...overloaded(both),
      ...differences(base, head),
      ...(history ?? []).slice(0, 1).flatMap((earlier) => otherHistory(base, earlier)),
      ...(measured ? [notInterleaved(noise, both)] : []),
    ],
  }
}

const sideOf = ({ scenario, environment }: Result | HistoryEntry): Comparison['base'] => ({ scenario, environment })
const isOver = (result: Result) =>
  result.validity.findings.some(({ code, severity }) => severity === 'error' && OVER.includes(code))

function statedNoise(noise: number, measured: boolean): Noise {
  return {
    logOf: () => Math.log1p(noise),
    ms: measured && noise > 0 ? NOISE_MS : 0,
    said: `the intervals of times allow for ${percentOf(noise)}, as two runs of the same code on a shared machine may differ; a history of earlier results says what yours does`,
  }
}

/** The spread of earlier results, for the difference of two more (Student's t). */
function noiseIn(history: readonly (Result | HistoryEntry)[]): Noise {
  const rounds = history.map((each, i) => figuresIn(each, `options.history[${i}]`))
  const t = student(EACH_WAY, rounds.length - 1)
  const logOf = (metric: ComparedMetric) => {
    const values = rounds.map((figures) => figures[metric] ?? 0)
    if (values.every((value) => value === values[0])) return 0
    const logs = values.map(Math.log)
    const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length
    const squares = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0)
    return t * Math.sqrt((2 * squares) / (logs.length - 1))
  }
  return {
    logOf,
    ms: 0,
    said: `by how far ${history.length} earlier results are apart, two runs of the same code differ by up to ${percentOf(Math.expm1(logOf('mean')))} in mean latency`,
  }
}

function compareRatio(
  metric: Exclude<ComparedMetric, 'errorRate'>,
  both: Record<Side, Result>,
  within: number,
  noise: Noise,
): MetricComparison {
  const isTime = metric !== 'throughput'
  const isLatency = isTime && metric !== 'service.mean'
  const beyond: Sampled = { value: null, low: Number.POSITIVE_INFINITY, high: null }
  const figure = (side: Side) => (isLatency && isOver(both[side]) ? beyond : sampled(metric, both[side], EACH_WAY))
  const [base, head] = [figure('base'), figure('head')]
  // what an open load completes is what it offers, however fast the machine is
  const log = isTime ? noise.logOf(metric) : 0
  const ms = isTime ? noise.ms : 0
  const contention = (side: Side) => contentionOf(metric, both[side])
  const reason = base.reason ?? head.reason
  const bounds =
    reason === undefined
      ? {
          low: lowestRatio(base, shortened(head, contention('head')), log, ms),
          high: highestRatio(shortened(base, contention('base')), head, log, ms),
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

/** Lateness of the event loop is in the latency of both, and draws their ratio towards 1. */
const HIDDEN =
  'the two look the same, but an event loop that is late hides differences: lower the rate, or serve on threads'
const isLate = (both: Record<Side, Result>) =>
  [both.base, both.head].some(({ validity }) => validity.findings.some(({ code }) => code === LATE))

/** A figure as low as it may be without the time that its threads waited for a core. */
function shortened(figure: Sampled, { factor, ms }: Contention): Sampled {
  const without = (value: number) => Math.max(0, value / factor - ms)
  return { ...figure, value: figure.value === null ? null : without(figure.value), low: without(figure.low) }
}

function ratioOf(base: number | null, head: number | null): number | null {
  if (base === null || head === null) return null
  if (base === head) return 1
  return base === 0 || head === 0 ? null : head / base
}

/** The least that head over base may be; Infinity if head is beyond all bounds and base is not. */
function lowestRatio(base: Sampled, head: Sampled, log: number, ms: number): number {
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

/** The most that head over base may be; null if nothing bounds it. */
function highestRatio(base: Sampled, head: Sampled, log: number, ms: number): number | null {
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

function compareErrors(both: Record<Side, Result>, within: number): MetricComparison {
  const [base, head] = [sampled('errorRate', both.base, EACH_WAY / 2), sampled('errorRate', both.head, EACH_WAY / 2)]
  const reason = base.reason ?? head.reason
  const found: MetricComparison = {
    metric: 'errorRate',
    unit: UNITS.errorRate,
    base: base.value,
    head: head.value,
    ratio: null,
    difference: both.head.rates.error - both.base.rates.error,
    interval: {
      low: base.high === null ? null : head.low - base.high,
      high: head.high === null ? null : head.high - base.low,
      level: LEVEL,
      ...(reason !== undefined && { reason }),
    },
    verdict: 'inconclusive',
  }
  return { ...found, verdict: verdictOf(found, within), ...(reason !== undefined && { reason }) }
}

/** If its threads waited for a core for a larger fraction of their time, a run may not have kept up because of that. */
const MOST_WAITED = 0.1

/** A run that is invalid for another reason than that its code was too slow shows nothing. */
function invalidOf(both: Record<Side, Result>): Finding[] {
  const over = isOver(both.base) && isOver(both.head)
  const isMachine = (side: Side) => waitedFraction(both[side]) > MOST_WAITED
  return (['base', 'head'] as const).flatMap((side) => {
    const found = both[side].validity.findings.filter(
      ({ severity, code }) =>
        severity === 'error' && code !== LATE && (over || isMachine(side) || !OVER.includes(code)),
    )
    if (found.length === 0) return []
    const said = found.map(({ code, message }) => `${code}: ${message}`).join('; ')
    return [
      {
        code: 'run-invalid',
        severity: 'error',
        message: `${side} is invalid, and so shows nothing: ${said}`,
        figures: {},
      },
    ]
  })
}

function overloaded(both: Record<Side, Result>): Finding[] {
  if (isOver(both.base) === isOver(both.head)) return []
  const side = isOver(both.base) ? 'base' : 'head'
  const found = both[side].validity.findings.find(({ code }) => OVER.includes(code)) as Finding
  return [
    {
      code: 'load-not-carried',
      severity: 'warning',
      message: `${side} did not keep up with its load, and the other did: it is slower, by an unknown amount. ${found.code}: ${found.message}`,
      figures: {},
    },
  ]
}

function notInterleaved({ said }: Noise, both: Record<Side, Result>): Finding {
  const waited = (['base', 'head'] as const)
    .filter((side) => waitedFraction(both[side]) > MOST_WAITED)
    .map((side) => `${percentOf(waitedFraction(both[side]))} in ${side}`)
  const note =
    waited.length === 0
      ? ''
      : `. Threads waited for a core for ${waited.join(' and ')} of the time that they could have run: what that may have added is allowed for too`
  return {
    code: 'not-interleaved',
    severity: 'info',
    message: `the machine may have been faster for one than for the other: ${said}${note}. compare runs both in turn, and finds far smaller differences`,
    figures: {},
  }
}

const percentOf = (fraction: number) => `${Number((100 * fraction).toPrecision(2))} %`

/** What else than the code may explain a difference. */
function differences(base: Result, head: Result): Finding[] {
  const findings: Finding[] = []
  const add = (code: Finding['code'], message: string) =>
    findings.push({ code, severity: 'warning', message, figures: {} })
  if (base.engine !== head.engine) {
    add('environments-differ', `base is of ${ENGINES[base.engine]}, head of ${ENGINES[head.engine]}`)
  }
  if (base.environment !== null && head.environment !== null) {
    const named = { node: 'Node', platform: 'platform', cpu: 'CPU', cores: 'number of cores' } as const
    const [of, over] = [base.environment, head.environment]
    for (const key of Object.keys(named) as (keyof typeof named)[]) {
      if (of[key] !== over[key]) {
        add('environments-differ', `not the same ${named[key]}: ${of[key]} for base, ${over[key]} for head`)
      }
    }
  }
  if (base.scenario === null || head.scenario === null) return findings
  const fields = differing(sideOf(base), sideOf(head), LOAD)
  if (fields.length > 0) add('scenarios-differ', `their scenarios differ in ${fields.join(', ')}`)
  if (base.scenario.seed !== head.scenario.seed) {
    add(
      'seeds-differ',
      `their seeds differ (${base.scenario.seed}, ${head.scenario.seed}): they did not face the same requests`,
    )
  }
  return findings
}

const ENGINES = { simulate: 'a simulation', measure: 'a measurement', record: 'a live service' } as const

/** Results of another load say nothing about the noise of this one. */
function otherHistory(base: Result, earlier: Result | HistoryEntry): Finding[] {
  const fields = differing(sideOf(base), sideOf(earlier), LOAD)
  if (fields.length === 0) return []
  return [
    {
      code: 'scenarios-differ',
      severity: 'warning',
      message: `the history is of another scenario than base: they differ in ${fields.join(', ')}`,
      figures: {},
    },
  ]
}

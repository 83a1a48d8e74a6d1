import { z } from 'zod'
import { nearestName, suggest } from '../validation/nearest.js'
import { type Source, throwFaults, ValidationError } from '../validation/validation-error.js'
import { LIMITED_TIMES, type LimitedTime, RESPONSE_TIMES, type ResponseTime, TIMES } from './times.js'
import { durationMs, ratePerSecond } from './units.js'

type OfATime = `p${number}` | 'mean' | 'max'

const FRACTIONS = ['errorRate', 'rejectionRate', 'utilization'] as const
const OTHERS = ['throughput', 'goodput', 'meanBatchSize', ...FRACTIONS] as const
/** The figures and the times that are known of a class too. */
const OF_A_CLASS = ['goodput', 'errorRate', 'rejectionRate'] as const
const TIMES_OF_A_CLASS: readonly LimitedTime[] = ['latency', ...RESPONSE_TIMES]

/** Names that are read as a time in a budget, and so cannot be those of classes. */
const RESERVED: readonly string[] = [...LIMITED_TIMES, 'failed']

/** What is wrong with a name of a class, since a budget would read it as a time; null if nothing is. */
export function faultOfReserved(name: string): string | null {
  if (RESERVED.includes(name))
    return `must have a different name, because '${name}.p99' in a budget limits all requests`
  const time = LIMITED_TIMES.find((each) => name.endsWith(`.${each}`))
  if (time === undefined) return null
  const before = name.slice(0, -time.length - 1)
  return `must not end in '.${time}': in a budget, '${name}.p99' is a time of the class '${before}'`
}

/**
 * A metric that a budget can limit: `p99`, `'p99.9'`, `mean` or `max` of latency, the same of a part of it
 * (`'queueing.p95'`), of the time until the response begins (`'first.p99'`) or of the gaps between its events
 * (`'between.p99'`), a figure of the run (`throughput`), or one of a class: `'checkout.p99'` of its latency,
 * `'checkout.first.p99'`, `'checkout.between.p99'`, or its `errorRate`, `rejectionRate` or `goodput`
 * (`'checkout.errorRate'`).
 */
export type BudgetMetric =
  | OfATime
  | `${LimitedTime}.${OfATime}`
  | (typeof OTHERS)[number]
  | `${string}.${OfATime | (typeof OF_A_CLASS)[number]}`

/** `'100ms'`, `'< 100ms'`, `'>= 500/s'`, `'<= 1%'`, or a number in milliseconds, per second, or as a fraction of 1. */
export type Limit = string | number

/**
 * The limits of a run, as plain data:
 * `{ p99: '100ms', 'queueing.p95': '20ms', throughput: '>= 500/s', errorRate: '< 1%' }`. Percentiles can be any above 0
 * and below 100. A limit without a sign means `<=`, for throughput and goodput `>=`. A budget without `errorRate` allows no errors.
 * `'checkout.p99'` and `'checkout.first.p99'` limit the requests of a class.
 */
export type Budget = { [Metric in BudgetMetric]?: Limit | undefined }

export type Relation = '<' | '<=' | '>' | '>='

/** The unit of a metric. */
export type BudgetUnit = 'ms' | '/s' | 'fraction' | 'requests'

interface Bound {
  /** its key in the budget, without `latency.` */
  metric: string
  relation: Relation
  limit: number
  unit: BudgetUnit
  /** of the requests of this class alone; absent if of all */
  class?: string
}

/** One entry of a budget: a limit on a time, or on a figure of the run. */
export type Rule =
  | (Bound & { time: LimitedTime; statistic: 'mean' | 'max' | { percentile: number } })
  | (Bound & { figure: (typeof OTHERS)[number] })

const METRIC_IS = `a percentile (p50, 'p99.9'), mean or max of latency, of a part of it ('queueing.p95': ${TIMES.slice(1).join(', ')}), of the time until the response begins ('first.p99'), of the gaps between its events ('between.p99') or of a class ('checkout.first.p99'), or ${OTHERS.join(', ')}`

const LIMIT_IS = "must be a limit: a number, or a string such as '100ms', '< 1%' or '>= 500/s'"

/** Metrics that are suggested for a misspelt one. */
const KNOWN = [
  ...OTHERS,
  ...['', ...LIMITED_TIMES.map((time) => `${time}.`)].flatMap((time) =>
    ['mean', 'max', 'p50', 'p90', 'p95', 'p99', 'p99.9'].map((name) => time + name),
  ),
]

/** The schema of a budget. It does not know the classes: `checkBudgetClasses` checks them. */
export const budgetSchema = z
  .record(z.string(), z.union([z.string(), z.number()], { error: LIMIT_IS }).optional(), {
    error: "must be a budget, such as { p99: '100ms', errorRate: '< 1%' }",
  })
  .superRefine((given, context) => {
    const there = Object.entries(given).filter(([, limit]) => limit !== undefined)
    if (there.length === 0) {
      context.issues.push({
        code: 'custom',
        message: `must limit at least one metric; accepted: ${METRIC_IS}`,
        input: given,
        path: [],
      })
    }
    for (const [metric, limit] of there) {
      const rule = ruleOf(metric, limit as Limit)
      if (typeof rule === 'string') context.issues.push({ code: 'custom', message: rule, input: limit, path: [metric] })
    }
  })
  .transform((given) => given as Budget)

/**
 * Parses a budget into its rules, in their order.
 *
 * @param classes the classes that there are; undefined if they are not known, so that there may be any
 * @throws ValidationError if a metric or percentile is unknown (with the nearest known one), a limit is invalid or has
 * the wrong unit, or the budget is empty
 */
export function rulesOf(budget: Budget, classes?: readonly string[]): Rule[] {
  const checked = parseBudget(budget)
  if (classes !== undefined) checkBudgetClasses(checked, classes, 'budget')
  return Object.entries(checked).flatMap(([metric, limit]) =>
    limit === undefined ? [] : [ruleOf(metric, limit) as Rule],
  )
}

/**
 * Refuses a budget that limits a class which no request has.
 *
 * @param classes the classes that there are
 * @param path where the budget is
 * @throws ValidationError with the classes that there are
 */
export function checkBudgetClasses(budget: Budget, classes: readonly string[], path: string): void {
  for (const [key, rule] of rulesByKey(budget)) {
    if (rule.class === undefined || classes.includes(rule.class)) continue
    const fault = noSuchClass(key, rule.class, classes)
    throw new ValidationError(`${path}.${key}`, fault)
  }
}

/** The rules of a budget that are valid, by key. */
const rulesByKey = (budget: Budget): [key: string, rule: Rule][] =>
  Object.entries(budget).flatMap(([key, limit]) => {
    const rule = limit === undefined ? '' : ruleOf(key, limit)
    return typeof rule === 'string' ? [] : [[key, rule] as [string, Rule]]
  })

/** The keys of the limits on a time of responses, of all requests or of a class. */
const limitsOn = (budget: Budget, time: ResponseTime) =>
  rulesByKey(budget).flatMap(([key, rule]) => ('time' in rule && rule.time === time ? [key] : []))

/**
 * Refuses a budget for simulations that limits a time of responses, which only measurements have.
 *
 * @throws ValidationError
 */
export function refuseResponseTimes(budget: Budget, path: string): void {
  const [key] = RESPONSE_TIMES.flatMap((time) => limitsOn(budget, time))
  if (key !== undefined) throw cannotBeSimulated(`${path}.${key}`)
}

/** The error of a limit on a time of responses in a simulation. */
export const cannotBeSimulated = (path: string) =>
  new ValidationError(
    path,
    'cannot be simulated: only a measurement knows when a response begins and its events arrive',
  )

/**
 * Refuses a budget that limits the gaps between events if the target does not read events.
 *
 * @param hasEvents whether responses may have events
 * @throws ValidationError
 */
export function requireEvents(budget: Budget, hasEvents: boolean, path: string): void {
  const [key] = limitsOn(budget, 'between')
  if (key !== undefined && !hasEvents) throw noEvents(`${path}.${key}`)
}

/** The error of a limit on the gaps between events if the target does not read events. */
export const noEvents = (path: string) =>
  new ValidationError(path, 'needs http.stream, which finds the events of a response: set stream: true')

function noSuchClass(key: string, name: string, classes: readonly string[]): string {
  if (classes.length === 0) {
    // a misspelt time looks like a class
    return metricMeant(key) === null
      ? `limits the class '${name}', but requests have no classes; add classes to the scenario, or to the recorder`
      : unknown(key)
  }
  // a misspelt time after a class looks like a part of its name
  const withTimes = classes.flatMap((each) => TIMES_OF_A_CLASS.map((time) => `${each}.${time}`))
  const nearest = nearestName(name, [...classes, ...LIMITED_TIMES, ...withTimes])
  const hint = suggest(nearest && `${nearest}${key.slice(name.length)}`)
  return `limits the class '${name}', which no request has${hint}; classes: ${classes.join(', ')}`
}

const METRIC = /^(?:([^.]*)\.)?(p\d+(?:\.\d+)?|mean|max)$/
const FIGURE_OF_A_CLASS = new RegExp(`^(.+)\\.(${OF_A_CLASS.join('|')})$`)
/** `[class.][time.]statistic`. A class may have dots in its name, but does not end in a time. */
const TIME_OF_ANY = new RegExp(`^(?:(.+?)\\.)??(?:(${LIMITED_TIMES.join('|')})\\.)?(p\\d+(?:\\.\\d+)?|mean|max)$`)

/**
 * Checks a budget of unknown origin, such as a file.
 *
 * @throws ValidationError as `rulesOf` does
 */
export function parseBudget(budget: unknown, source: Source = 'budget'): Budget {
  const parsed = budgetSchema.safeParse(budget)
  if (!parsed.success) throwFaults(parsed.error, source, budget)
  return parsed.data
}

/** Returns the rule, or an error message. */
function ruleOf(key: string, given: Limit): Rule | string {
  const [, ofFigure, ownFigure = key] = FIGURE_OF_A_CLASS.exec(key) ?? []
  const figure = OTHERS.find((other) => other === ownFigure)
  if (figure !== undefined) {
    if (ofFigure !== undefined && faultOfReserved(ofFigure) !== null) return unknown(key)
    const unit = figure === 'throughput' ? '/s' : figure === 'meanBatchSize' ? 'requests' : 'fraction'
    const bound = boundOf(figure, given, unit)
    if (typeof bound === 'string') return bound
    return ofFigure === undefined ? { ...bound, figure } : { ...bound, metric: key, figure, class: ofFigure }
  }
  const [, ofClass, time = 'latency', name] = (TIME_OF_ANY.exec(key) ?? []) as [string?, string?, LimitedTime?, string?]
  if (name === undefined || (ofClass !== undefined && RESERVED.includes(ofClass))) return unknown(key)
  if (ofClass !== undefined && !TIMES_OF_A_CLASS.includes(time)) {
    return `limits ${time} of the class '${ofClass}': of a class only ${TIMES_OF_A_CLASS.join(', ')} are recorded`
  }
  const statistic = name === 'mean' || name === 'max' ? name : { percentile: Number(name.slice(1)) }
  if (typeof statistic === 'object' && !(statistic.percentile > 0 && statistic.percentile < 100)) {
    return percentileBeyond(key, name)
  }
  const metric = [...(ofClass === undefined ? [] : [ofClass]), ...(time === 'latency' ? [] : [time]), name].join('.')
  const bound = boundOf(metric, given, 'ms')
  if (typeof bound === 'string') return bound
  return { ...bound, time, statistic, ...(ofClass !== undefined && { class: ofClass }) }
}

/** The metric that a misspelt one may mean; null if none is near. */
function metricMeant(key: string): string | null {
  const [, before, name] = METRIC.exec(key) ?? []
  const time = nearestName(before ?? key, LIMITED_TIMES)
  const nearest = name !== undefined && time !== null ? `${time}.${name}` : nearestName(key, KNOWN)
  return nearest ?? (time === null ? null : `${time}.p95`)
}

function unknown(key: string): string {
  const meant = metricMeant(key)
  const hint = suggest(meant)
  return `is an unknown budget metric${hint}; accepted: ${METRIC_IS}`
}

function percentileBeyond(key: string, name: string): string {
  const accepted = 'must be a percentile above p0 and below p100'
  if (Number(name.slice(1)) === 100) return `${accepted}; write '${key.replace(/p[\d.]+$/, 'max')}' for the maximum`
  // other tools write p999 for p99.9
  const nines = /^p(99)(9+)$/.exec(name)
  return nines === null ? accepted : `${accepted}; write '${key.replace(/p9+$/, `p${nines[1]}.${nines[2]}`)}'`
}

/** Longer signs first, as they are matched in order. */
const SIGNS = ['<=', '>=', '≤', '≥', '<', '>'] as const
const EXAMPLES: Record<BudgetUnit, string> = {
  ms: "a time: '100ms', '< 1.5s', '>= 10us', or a number of milliseconds",
  '/s': "a rate: '500/s', '>= 30/m', or a number per second",
  fraction: "a fraction from 0 to 1: '1%', '< 0.5%', or a number (0.01)",
  requests: "a number of requests: 8, '>= 8'",
}

function boundOf(metric: string, given: Limit, unit: BudgetUnit): Bound | string {
  const trimmed = String(given).trim()
  const sign = SIGNS.find((each) => trimmed.startsWith(each))
  const text = trimmed.slice(sign?.length ?? 0).trim()
  const limit = typeof given === 'number' ? given : numberOf(text, unit)
  if (limit === null || !Number.isFinite(limit) || limit < 0 || (unit === 'fraction' && limit > 1)) {
    return `must be ${EXAMPLES[unit]}`
  }
  // all requests are below 1, so that it would be no limit; of goodput it is one
  if (unit === 'fraction' && limit === 1 && metric !== 'goodput' && !text.endsWith('%')) {
    return "must say whether 1 is '1%' or '100%' (no limit)"
  }
  const relation = (sign?.replace('≤', '<=').replace('≥', '>=') ??
    (unit === '/s' || metric === 'goodput' ? '>=' : '<=')) as Relation
  return { metric, relation, limit, unit }
}

const NUMBER = /^(\d+(?:\.\d+)?|\.\d+)$/

function numberOf(text: string, unit: BudgetUnit): number | null {
  if (unit === 'ms') return durationMs(text)
  if (unit === '/s') return ratePerSecond(text)
  const isPercentage = text.endsWith('%')
  if (isPercentage && unit !== 'fraction') return null
  const digits = isPercentage ? text.slice(0, -1).trimEnd() : text
  if (!NUMBER.test(digits)) return null
  return isPercentage ? Number(digits) / 100 : Number(digits)
}

import { checkIsResult } from '../../result/check.js'
import type { Connections } from '../../result/connections.js'
import { costOf } from '../../result/cost.js'
import { type FailureCounts, sortFailures } from '../../result/failures.js'
import type { Goodput } from '../../result/goodput.js'
import { describeMachines, type Merged } from '../../result/merge/merged.js'
import { partsOf, responseTimesOf } from '../../result/parts.js'
import type { Bytes, Result } from '../../result/result.js'
import { ESTIMATES, type Summary } from '../../result/summary.js'
import { renderFindings } from '../../text/findings.js'
import { makeLegible } from '../../text/legible.js'
import {
  bytes,
  closePercentage,
  count,
  inText,
  percent,
  plural,
  rate,
  seconds,
  type TimeUnit,
  threeDigits,
  time,
  timeUnit,
} from '../../text/number.js'
import { renderParts } from '../../text/parts.js'
import { pad, plain, type RenderOptions, type Style } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'
import { MACHINE_TITLES, machineRows } from '../machines.js'
import { stageRows } from '../stages.js'
import { renderCurve } from './curve.js'
import { renderHost } from './host-lines.js'
import { describeLimits, describeScenario } from './scenario-line.js'
import { table } from './table.js'

/** Options of `renderResult`. */
export interface ResultRenderOptions extends RenderOptions {
  /**
   * The price of one server for an hour: adds what the run costs.
   *
   * @default no cost
   */
  price?: number | undefined
}

export const VERBS = { simulate: 'Simulated', measure: 'Measured', record: 'Recorded' } as const

/**
 * Renders one result for a terminal: the scenario, findings, latency with intervals, and where the time went.
 *
 * @throws ValidationError if it is not a result
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * console.log(renderResult(result, { width: 100, style: styleFor(process.stdout) }))
 */
export function renderResult(given: Result, options: ResultRenderOptions = {}): string {
  checkIsResult(given)
  const { width = 80, style = plain } = options
  const result = makeLegible(given)
  const parts = [
    heading(result, width, style),
    renderFindings(result.validity.findings, width, style),
    latencyTable(result, style),
    groupTable(classRows(result), style),
    groupTable(stageRows(result, ['p50', 'p90', 'p99', 'max']), style),
    renderCurve(result.latencyMs, options),
    renderParts(partsOf(result), result.latencyMs.mean, width, style),
    totals(result, width, style, options.price),
    result.merged === undefined ? '' : machinesTable(result.merged, style),
    result.host === null ? '' : renderHost(result.host, width, style),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function machinesTable(merged: Merged, style: Style): string {
  const columns = MACHINE_TITLES.map((header, i) => ({
    header,
    align: i === 0 ? ('left' as const) : ('right' as const),
  }))
  return table(columns, machineRows(merged), style)
}

function heading(result: Result, width: number, style: Style): string {
  const { engine, scenario, environment, window } = result
  const machines = describeMachines(result)
  const verb = VERBS[engine]
  const lines = scenario === null ? ['live requests'] : describeScenario(scenario, engine)
  const seed = scenario === null ? '' : `, seed ${scenario.seed}`
  const warmup = window.startMs > 0 && engine !== 'record' ? ` after ${seconds(window.startMs)} of warm-up` : ''
  if (machines !== null) lines.push(machines)
  lines.push(`over ${seconds(window.endMs - window.startMs)}${warmup}${seed}`)
  if (environment !== null) {
    const { node, cpu, cores, load } = environment
    lines.push(`Node ${node}, ${cpu.trim()}, ${plural(cores, 'core')}, load ${threeDigits(load)}`)
  }
  const indent = verb.length + 3
  const text = lines.flatMap((line) => wrap(line, width - indent))
  return text
    .map((line, i) => (i === 0 ? ` ${style('bold', verb)}  ${line}` : ' '.repeat(indent) + style('dim', line)))
    .join('\n')
}

export const COLUMNS = [
  ['mean', 'mean'],
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['p99.9', 'p999'],
  ['max', 'max'],
] as const

function latencyTable(result: Result, style: Style): string {
  const { latencyMs, waitMs, serviceMs, fromSendMs } = result
  const unit = timeUnit([latencyMs.p99])
  const row = (name: string, summary: Summary) => [
    name,
    ...COLUMNS.map(([, key]) => threeDigits(summary[key] / unit.ms)),
  ]
  const rows = [
    row('latency', latencyMs).map((cell) => style('bold', cell)),
    ...intervalRows(latencyMs, unit, style),
    row('  wait', waitMs),
    row('  service', serviceMs),
    ...responseTimesOf(result).map(([name, summary]) => row(name, summary)),
  ]
  // lag hides if latency is measured from the send: show that line if it differs
  if (fromSendMs !== null && fromSendMs.p99 < 0.99 * latencyMs.p99) {
    rows.push(row('from send', fromSendMs).map((cell) => style('dim', cell)))
  }
  return table(
    [{ header: '', align: 'left' }, ...COLUMNS.map(([header]) => ({ header: `${header}\n${unit.name}` }))],
    rows,
    style,
  )
}

/**
 * The columns of a table of classes, and its rows of formatted figures: a row of latency for each class, and one for each
 * time of its responses, which is named as in a budget (`checkout.first`). Null if requests have no classes.
 */
export function classRows({ classes, latencyMs }: Result): { columns: string[]; rows: string[][] } | null {
  if (classes === undefined) return null
  const unit = timeUnit([latencyMs.p99])
  const all = Object.entries(classes)
  const withErrors = all.some(([, { rates }]) => (rates?.error ?? 0) > 0)
  const withGood = all.some(([, { goodput }]) => goodput !== undefined)
  const times = (summary: Summary | null) => {
    const { low = null, high = null } = summary?.intervals.p99 ?? {}
    return [
      ...CLASS_TIMES.map((time) => (summary === null ? '–' : threeDigits(summary[time] / unit.ms))),
      low === null || high === null ? '–' : `${threeDigits(low / unit.ms)} to ${threeDigits(high / unit.ms)}`,
    ]
  }
  const rows = all.flatMap(([name, each]) => {
    const { offeredPerSecond, rates, goodput } = each
    const counted = [
      threeDigits(offeredPerSecond),
      ...(withErrors ? [rates === null ? '–' : threeDigits(100 * rates.error)] : []),
      ...(withGood ? [goodput === undefined ? '–' : closePercentage(goodput.fraction)] : []),
    ]
    return [
      [name, ...counted, ...times(each.latencyMs)],
      // counts are those of the class
      ...responseTimesOf(each).map(([time, summary]) => [
        `${name}.${time}`,
        ...counted.map(() => ''),
        ...times(summary),
      ]),
    ]
  })
  const columns = [
    'class',
    'offered\n/s',
    ...(withErrors ? ['errors\n%'] : []),
    ...(withGood ? ['good\n%'] : []),
    ...CLASS_TIMES.map((time) => `${time}\n${unit.name}`),
    `95 % interval\nof p99, ${unit.name}`,
  ]
  return { columns, rows }
}

const CLASS_TIMES = ['mean', 'p50', 'p90', 'p99', 'max'] as const

/** A table of classes or stages. */
function groupTable(groups: { columns: string[]; rows: string[][] } | null, style: Style): string {
  if (groups === null) return ''
  const [first, ...others] = groups.columns
  return table(
    [{ header: first as string, align: 'left' }, ...others.map((header) => ({ header }))],
    groups.rows,
    style,
  )
}

/** The failed requests by kind, the most frequent first: `40 status 429, 5 timeout`. */
export const failuresText = (failures: FailureCounts) =>
  sortFailures(failures)
    .map(([kind, requests]) => `${count(requests)} ${kind}`)
    .join(', ')

/** The rows of the 95 % intervals; none if no interval is known. */
function intervalRows({ intervals }: Summary, unit: TimeUnit, style: Style): string[][] {
  if (ESTIMATES.every((key) => intervals[key].low === null && intervals[key].high === null)) return []
  const bound = (key: (typeof COLUMNS)[number][1], which: 'low' | 'high') => {
    const value = key === 'max' ? null : intervals[key][which]
    return style('dim', value === null ? '–' : threeDigits(value / unit.ms))
  }
  return [
    [style('dim', '  95 % from'), ...COLUMNS.map(([, key]) => bound(key, 'low'))],
    [style('dim', '  95 % to'), ...COLUMNS.map(([, key]) => bound(key, 'high'))],
  ]
}

/** Lists the totals of a run, each with its name. */
export function listTotals(result: Result): [name: string, text: string][] {
  const { counts, failures, failedMs, firstMs, betweenMs, batches, utilization, goodput, scenario } = result
  const others = [
    [counts.failed, 'failed'],
    [counts.rejected, 'rejected'],
    [counts.timedOut, 'timed out'],
    [counts.aborted, 'aborted'],
    [counts.unfinished, 'unfinished'],
  ] as const
  const dropped = others.filter(([requests]) => requests > 0).map(([requests, name]) => `, ${count(requests)} ${name}`)
  const lines: [string, string][] = [
    ['throughput', throughputText(result)],
    ['requests', `${count(counts.completed)} completed${dropped.join('')}`],
    ...(failures === undefined ? [] : [['failures', failuresText(failures)] as [string, string]]),
    ...(failedMs === undefined
      ? []
      : [['failed after', `p50 ${time(failedMs.p50)}, p99 ${time(failedMs.p99)}`] as [string, string]]),
    ...(firstMs === undefined || firstMs.count === counts.completed
      ? []
      : [
          ['first', `known for ${count(firstMs.count)} of ${count(counts.completed)} completed requests`] as [
            string,
            string,
          ],
        ]),
    ...(betweenMs === undefined
      ? []
      : [['between', `${count(betweenMs.count)} gaps between events of responses`] as [string, string]]),
    ...(goodput === undefined ? [] : [['goodput', goodputText(goodput, scenario === null)] as [string, string]]),
    ['batches', `${count(batches.count)} of ${batchSizes(batches)}`],
    ...listTraffic(result),
    ['in system', `${threeDigits(result.meanInSystem)} requests on average`],
  ]
  if (utilization !== null) lines.push(['utilization', percent(utilization)])
  return lines
}

/** Lists the bytes and the connections of a run over HTTP. */
export function listTraffic({ bytes: bodies, connections }: Result): [name: string, text: string][] {
  return [
    ...(bodies === undefined ? [] : [['bodies', bytesText(bodies)] as [string, string]]),
    ...(connections === undefined ? [] : [['connections', connectionsText(connections)] as [string, string]]),
  ]
}

const bytesText = ({ sent, received, sentPerSecond, receivedPerSecond }: Bytes) =>
  `${bytes(received)} received, ${bytes(receivedPerSecond)}/s; ${bytes(sent)} sent, ${bytes(sentPerSecond)}/s`

/** The connections of the whole run, and how long their set-up took. */
function connectionsText({
  opened,
  openedInWindow,
  closed,
  failed,
  setupMs,
  dnsMs,
  tcpMs,
  tlsMs,
}: Connections): string {
  const counted = [
    `${count(opened)} opened`,
    ...(opened > 0 ? [`${openedInWindow === 0 ? 'none' : count(openedInWindow)} of them in the window`] : []),
    ...(closed > 0 ? [`${count(closed)} closed`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
  ].join(', ')
  if (setupMs === null) return counted
  const steps = Object.entries({ DNS: dnsMs, TCP: tcpMs, TLS: tlsMs })
  const parts = steps.flatMap(([name, step]) => (step === undefined ? [] : `${name} ${time(step.p50)}`))
  const ofSteps = parts.length > 1 ? ` (${parts.join(', ')})` : ''
  return `${counted}; set-up p50 ${time(setupMs.p50)}${ofSteps}, max ${time(setupMs.max)}`
}

/** Requests that were due before the window may complete in it, so that more complete than are offered. */
function throughputText({ throughput: { offered, completed }, window, engine }: Result): string {
  const text = `${rate(completed)} of ${rate(offered)} offered`
  const earlier = Math.round(((completed - offered) * (window.endMs - window.startMs)) / 1000)
  if (completed < 1.01 * offered || earlier < 1) return text
  const requests = plural(earlier, 'request')
  return `${text}, plus at least ${requests} from ${engine === 'record' ? 'before the window' : 'the warm-up'}`
}

/** @param named whether to name the limits, if no scenario does */
function goodputText({ fraction, perSecond, interval, limits }: Goodput, named: boolean): string {
  const { low, high } = interval
  const ends = low === null || high === null ? '' : `, 95 % from ${closePercentage(low)} to ${closePercentage(high)} %`
  return `${closePercentage(fraction)} % of requests${ends}; ${rate(perSecond)}${named ? `, ${describeLimits(limits)}` : ''}`
}

/** Lists what the run costs, and what of its servers it uses, if there is a price. */
export function listCosts(result: Result, price: number | undefined): [name: string, text: string][] {
  if (price === undefined) return []
  const { perHour, perMillion, idle, perServer } = costOf(result, { price })
  if (perHour === null || perMillion === null || perServer === null)
    return [['cost', 'unknown: servers are not limited']]
  const wasted = idle === null ? '' : `, ${percent(idle)} of the time idle`
  return [
    ['cost', `${inText(perHour)} an hour, ${inText(perMillion)} for a million requests`],
    ['each server', `${rate(perServer)}${wasted}`],
  ]
}

const TOTAL_NAMES = 11

function totals(result: Result, width: number, style: Style, price: number | undefined): string {
  return [...listTotals(result), ...listCosts(result, price)]
    .flatMap(([name, text]) =>
      wrap(text, width - TOTAL_NAMES - 3).map(
        (line, i) => ` ${pad(i === 0 ? style('dim', name) : '', TOTAL_NAMES)}  ${line}`,
      ),
    )
    .join('\n')
}

function batchSizes({ meanSize, sizes }: Result['batches']): string {
  const all = Object.keys(sizes).map(Number)
  const [least, most] = [Math.min(...all), Math.max(...all)]
  if (all.length > 1) return `${threeDigits(meanSize)} requests on average, from ${count(least)} to ${count(most)}`
  return meanSize === 1 ? 'one request each' : `${count(meanSize)} requests each`
}

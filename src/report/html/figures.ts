import { partsOf, responseTimesOf } from '../../result/parts.js'
import { CLASS_METRICS, type ClassMetric } from '../../result/recording.js'
import type { Result } from '../../result/result.js'
import { percentileOverOffered } from '../../result/stored.js'
import { nameOf, PERCENTILES } from '../../result/summary.js'
import { type Budget, type Rule, rulesOf } from '../../scenario/budget.js'
import { count, percent, threeDigits, time, timeUnit } from '../../text/number.js'
import { binSizes, drawBatchSizes } from '../draw/batch-sizes.js'
import { type Bounded, drawDot, drawWhisker } from '../draw/elements/mark.js'
import { runClass } from '../draw/elements/run-colour.js'
import { perSecond } from '../draw/elements/text.js'
import { drawFrontier, type FrontierPoint, findFrontier } from '../draw/frontier.js'
import { drawParts } from '../draw/parts-bars.js'
import { drawPercentileCurves, type LabelledSummary, type PercentileLimit } from '../draw/percentile-curve.js'
import { decodeSegments, drawTimeline, incompleteIn } from '../draw/timeline.js'
import {
  DOTS,
  describe,
  latenciesOf,
  latencyPanel,
  legendOf,
  throughputPanel,
  VALIDITY_LEGEND,
} from '../draw/trade-off.js'
import {
  boundedOf,
  capacityOf,
  classifyRun,
  DRAWN,
  figuresOfSweep,
  type SweptRun,
  type TradeOffFigure,
} from '../draw/trade-off-figure.js'
import { type Markup, markup } from '../markup.js'
import { stageRows } from '../stages.js'
import { classRows } from '../terminal/result-table.js'
import { type DataCell, type DataTable, renderDataTable } from './data-table.js'
import { renderFigure } from './figure.js'
import type { LabelledResult } from './report-entry.js'

const timeCell = (ms: number | null): DataCell => (ms === null ? '–' : { text: time(ms), value: ms })
const rateCell = (rate: number | null): DataCell => (rate === null ? '–' : { text: perSecond(rate), value: rate })

/** Renders the throughput-latency trade-off: one figure for each combination of the other swept fields. */
export function tradeOffFigures(swept: readonly SweptRun[]): Markup[] {
  const figures = figuresOfSweep(swept)
  const times = figures.flatMap(latenciesOf)
  return figures.map((each, i) => tradeOffFigure(each, times, i))
}

function tradeOffFigure(of: TradeOffFigure, times: readonly number[], i: number): Markup {
  const { field, group, curves, capacity } = of
  const rows = curves.flatMap(({ engine, points }) =>
    points.map((point): DataCell[] => [
      point.label,
      engine,
      rateCell(capacity.find(({ label }) => label === point.label)?.perSecond ?? null),
      rateCell(point.completed?.value ?? null),
      ...DRAWN.flatMap((name): DataCell[] =>
        point.latency === null ? ['–', ''] : [timeCell(point.latency[name].value), intervalCell(point.latency[name])],
      ),
      point.reason ?? '',
    ]),
  )
  const key = markup`<ul class="key">${legendOf(of).map(({ drawn, text }) => markup`<li><svg aria-hidden="true" viewBox="0 -9 27 18">${drawn}</svg>${text}</li>`)}</ul>`
  return renderFigure({
    id: `trade-off-${i}`,
    title: `Throughput and latency against ${field}${group === '' ? '' : `: ${group}`}`,
    description: describe(of),
    note: key,
    charts: [throughputPanel(of), latencyPanel(of, times)],
    table: {
      caption: `Throughput and latency against ${field}`,
      columns: [
        field,
        'engine',
        'capacity',
        'completed',
        ...DRAWN.flatMap((name) => [name, '95 % interval']),
        'remark',
      ],
      rows,
    },
  })
}

function intervalCell({ low, high, reason }: Bounded): DataCell {
  if (low === null && high === null) return reason === undefined ? '–' : 'none'
  return `${low === null ? '?' : time(low)} to ${high === null ? '?' : time(high)}`
}

/** Renders latency against throughput of all runs, with the limits of a budget; null for fewer than two sustained runs. */
export function frontierFigure(runs: readonly LabelledResult[], budget: Budget | undefined): Markup | null {
  const rules = budget === undefined ? [] : rulesOf(budget)
  const names = Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]
  const limited = limitsOf(rules).flatMap(({ percentile, ms }) => {
    const name = names.find((each) => PERCENTILES[each] === percentile)
    return name === undefined ? [] : [{ name, limit: ms }]
  })
  const [of] = [...limited].sort((a, b) => PERCENTILES[b.name] - PERCENTILES[a.name])
  const name = of?.name ?? 'p99'
  // a run is overloaded too if it dropped more requests than the percentile leaves out
  const sustained = runs.flatMap(({ label, result }) => {
    const { validity } = classifyRun(result)
    const latency = validity === 'overloaded' ? null : boundedOverOffered(result, name)
    return latency === null ? [] : [{ label, result, latency, validity }]
  })
  if (sustained.length < 2) return null
  const least = rules.find((rule) => 'figure' in rule && rule.figure === 'throughput' && rule.relation.startsWith('>'))
  const { throughputName, of: rateOf } = throughputAxisOf(sustained.map(({ result }) => result))
  const points = sustained.map(
    ({ label, result, latency, validity }): FrontierPoint => ({
      ...{ label, latency, validity },
      throughput: rateOf(result),
    }),
  )
  const best = new Set(findFrontier(points))
  const overloaded = runs.length - sustained.length
  return renderFigure({
    id: 'frontier',
    title: `${nameOf(name)} against throughput`,
    description: `${nameOf(name)} of latency against the throughput that each of ${sustained.length} runs ${throughputName}; ${best.size} of them are on the frontier: ${[...best].map(({ label }) => label).join('; ')}.`,
    note: [
      `The line joins the runs that no other run beats on both throughput and latency.${overloaded > 0 ? ` ${count(overloaded)} of ${count(runs.length)} runs were overloaded and have no latency to draw.` : ''}`,
      renderLegend([
        [VALID, `${nameOf(name)}, with its 95 % interval`],
        ...VALIDITY_LEGEND.filter(({ validity }) => points.some((point) => point.validity === validity)).map(
          ({ validity, text }): [Markup, string] => [drawDot(13, 0, DOTS[validity]), text],
        ),
      ]),
    ],
    charts: [
      drawFrontier(points, {
        name: nameOf(name),
        throughputName,
        latencyLimit: of?.limit ?? null,
        throughputLimit: least?.limit ?? null,
      }),
    ],
    table: {
      caption: 'Latency against throughput',
      columns: ['run', throughputName, nameOf(name), '95 % interval', 'on the frontier'],
      rows: points.map((point) => [
        markup`<bdi>${point.label}</bdi>`,
        rateCell(point.throughput),
        timeCell(point.latency.value),
        intervalCell(point.latency),
        best.has(point) ? 'yes' : '',
      ]),
    },
  })
}

/** A percentile of latency over all offered requests; null if too many of them never completed. */
function boundedOverOffered(result: Result, name: keyof typeof PERCENTILES): Bounded | null {
  const { counts, latencyMs } = result
  if (counts.completed === counts.offered) return boundedOf(latencyMs, name)
  const value = percentileOverOffered(result, PERCENTILES[name])
  return value === null ? null : { value, low: null, high: null, reason: 'some requests never completed' }
}

const VALID = markup`${drawWhisker(13, 8, -8, 0)}${drawDot(13, 0, 'full')}`

/** Renders a legend of marks. */
function renderLegend(entries: [drawn: Markup, text: string][]): Markup {
  return markup`<ul class="key">${entries.map(([drawn, text]) => markup`<li><svg aria-hidden="true" viewBox="0 -9 27 18"><g class="s-neutral">${drawn}</g></svg>${text}</li>`)}</ul>`
}

/** The upper limits of a budget on percentiles of latency. */
function limitsOf(rules: readonly Rule[]): PercentileLimit[] {
  return rules.flatMap((rule) => {
    if (!('time' in rule) || rule.class !== undefined) return []
    if (rule.time !== 'latency' || typeof rule.statistic !== 'object') return []
    return rule.relation.startsWith('<') ? [{ percentile: rule.statistic.percentile, ms: rule.limit }] : []
  })
}

/** Throughputs within this fraction of each other count as equal. */
const TOLERANCE = 0.02

/** The throughput to compare runs by: capacity if all completed the same load and it is known, else completed requests. */
function throughputAxisOf(results: readonly Result[]): { throughputName: string; of: (result: Result) => number } {
  const completed = results.map(({ throughput }) => throughput.completed)
  const equal = Math.max(...completed) <= Math.min(...completed) * (1 + TOLERANCE)
  if (equal && results.every((result) => capacityOf(result) !== null)) {
    return { throughputName: 'capacity', of: (result) => capacityOf(result) as number }
  }
  return { throughputName: 'completed', of: ({ throughput }) => throughput.completed }
}

/** Describes how many runs a figure leaves out. */
function describeOmitted(all: number, drawn: number): string {
  if (all === drawn) return ''
  return ` Left out: ${count(all - drawn)} of ${count(all)} runs, which were overloaded: their latency depends only on their length.`
}

/** Selects the runs that were not overloaded; all runs if every run was. */
function selectSustained(runs: readonly LabelledResult[]): readonly LabelledResult[] {
  const sustained = runs.filter(({ result }) => classifyRun(result).validity !== 'overloaded')
  return sustained.length === 0 ? runs : sustained
}

/** Renders the latency distributions by percentile, with the limits of a budget. */
export function percentilesFigure(all: readonly LabelledResult[], budget: Budget | undefined): Markup {
  const runs = selectSustained(all)
  const summaries: LabelledSummary[] = runs.map(({ label, result }) => ({ label, summary: result.latencyMs }))
  const [only, ...others] = runs
  if (only !== undefined && others.length === 0) {
    const { latencyMs, fromSendMs } = only.result
    const ofResponses = responseTimesOf(only.result)
    // lag hides if latency is measured from the send: show that curve if it differs
    if (fromSendMs !== null && fromSendMs.p99 < 0.99 * latencyMs.p99) {
      summaries[0] = { label: only.label || 'from due', summary: latencyMs }
      summaries.push({ label: 'from send', summary: fromSendMs })
    }
    if (ofResponses.length > 0) {
      if (summaries.length === 1) summaries[0] = { label: only.label || 'latency', summary: latencyMs }
      summaries.push(...ofResponses.map(([label, summary]) => ({ label, summary })))
    }
  }
  return renderFigure({
    id: 'percentiles',
    title: 'Latency by percentile',
    description: summaries
      .map(
        ({ label, summary }) =>
          `${label === '' ? '' : `${label}: `}p50 ${time(summary.p50)}, p99 ${time(summary.p99)}, max ${time(summary.max)}.`,
      )
      .join(' '),
    note: [
      `The axis is logarithmic in 1 / (1 − percentile). Dotted: fewer than 10 requests are slower.${describeOmitted(all.length, runs.length)}`,
      summaries.length > 1 && renderRunLegend(summaries.map(({ label }) => label)),
    ],
    charts: [drawPercentileCurves(summaries, budget === undefined ? [] : limitsOf(rulesOf(budget)))],
    table: percentileTable('Latency by percentile', 'run', summaries),
  })
}

/** A table of distributions. */
function percentileTable(caption: string, first: string, summaries: readonly LabelledSummary[]): DataTable {
  const names = Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]
  return {
    caption,
    columns: [first, ...names.flatMap((name) => [nameOf(name), '95 % interval']), 'max', 'count'],
    rows: summaries.map(({ label, summary }) => [
      markup`<bdi>${label || 'latency'}</bdi>`,
      ...names.flatMap((name) => [timeCell(summary[name]), intervalCell(boundedOf(summary, name))]),
      timeCell(summary.max),
      { text: count(summary.count), value: summary.count },
    ]),
  }
}

/** How many classes get a curve. */
const MOST_CURVES = 10

/** The titles of the figures of classes. */
const BY_CLASS = {
  latency: 'Latency by class',
  first: 'Time to the beginning of the response by class',
  between: 'Gaps between events by class',
} as const satisfies Record<ClassMetric, string>

/** Renders the distributions of each class of one run, of latency and of the times of responses if they are known. */
export const classesFigures = (run: LabelledResult, i: number): (Markup | null)[] =>
  CLASS_METRICS.map((metric) => classesFigure(run, i, metric))

/** Renders the distribution of a metric of each class; null if requests have no classes, or none has that metric. */
function classesFigure({ label, result }: LabelledResult, i: number, metric: ClassMetric): Markup | null {
  const table = metric === 'latency' ? classRows(result) : null
  const completed = Object.entries(result.classes ?? {})
    .sort(([, a], [, b]) => b.counts.offered - a.counts.offered)
    .flatMap(([name, of]): LabelledSummary[] => {
      const summary = of[`${metric}Ms`] ?? null
      return summary === null ? [] : [{ label: name, summary }]
    })
  if (completed.length === 0) return null
  const drawn = completed.slice(0, MOST_CURVES)
  const all = metric === 'latency' ? Object.keys(result.classes ?? {}).length : completed.length
  const caption = `${BY_CLASS[metric]}${label === '' ? '' : ` of ${label}`}`
  return renderFigure({
    id: metric === 'latency' ? `classes-${i}` : `classes-${metric}-${i}`,
    title: markup`${invalidMark(result)}${BY_CLASS[metric]}${label !== '' && markup`: <bdi>${label}</bdi>`}`,
    description: drawn
      .map(({ label: name, summary }) => `${name}: p50 ${time(summary.p50)}, p99 ${time(summary.p99)}.`)
      .join(' '),
    note: [
      drawn.length < all && `The ${count(drawn.length)} of ${count(all)} classes with the most requests. `,
      renderRunLegend(drawn.map(({ label: name }) => name)),
    ],
    charts: [drawPercentileCurves(drawn, [], metric)],
    table:
      table === null
        ? percentileTable(caption, 'class', completed)
        : {
            caption,
            columns: table.columns.map((column) => column.replace('\n', ', ')),
            rows: table.rows.map(([name, ...others]) => [markup`<bdi>${name as string}</bdi>`, ...others]),
          },
  })
}

/** Renders the stages of one run as a table; null if the arrivals are not in stages. */
export function stagesTable({ label, result }: LabelledResult, i: number): Markup | null {
  const table = stageRows(result)
  if (table === null) return null
  return markup`<figure class="card wide" aria-labelledby="stages-${i}"><figcaption><h3 id="stages-${i}">${invalidMark(result)}Stages${label !== '' && markup`: <bdi>${label}</bdi>`}</h3><div class="quiet">Requests by the stage in which they were due</div></figcaption>${renderDataTable(
    {
      caption: `Stages${label === '' ? '' : ` of ${label}`}`,
      columns: table.columns.map((column) => column.replace('\n', ', ')),
      rows: table.rows,
    },
  )}</figure>
`
}

/** Renders a legend of the runs' lines. */
function renderRunLegend(labels: readonly string[]): Markup {
  return markup`<ul class="key">${labels.map((label, i) => {
    const { name, dashed } = runClass(i)
    return markup`<li><svg aria-hidden="true" viewBox="0 0 28 18"><g class="${name}"><path class="line${dashed && ' dashed'}" d="M0 9H28"/></g></svg><bdi>${label}</bdi></li>`
  })}</ul>`
}

/** Renders the parts of the mean latency of each run. */
export function partsFigure(given: readonly LabelledResult[]): Markup {
  const runs = selectSustained(given)
  const all = runs.map(({ label, result }) => ({ label, meanMs: result.latencyMs.mean, parts: partsOf(result) }))
  const names = [...new Set(all.flatMap(({ parts }) => parts.map(({ name }) => name)))]
  return renderFigure({
    id: 'parts',
    title: 'Where the time went',
    description: all
      .map(
        ({ label, meanMs, parts }) =>
          `${label === '' ? '' : `${label}: `}${time(meanMs)} on average: ${parts.map(({ name, ms }) => `${name} ${time(ms)}`).join(', ')}.`,
      )
      .join(' '),
    note: describeOmitted(given.length, runs.length),
    charts: [drawParts(all)],
    table: {
      caption: 'Where the time went',
      columns: ['run', 'mean', ...names],
      rows: all.map(({ label, meanMs, parts }) => [
        markup`<bdi>${label || 'latency'}</bdi>`,
        timeCell(meanMs),
        ...names.map((name) => timeCell(parts.find((part) => part.name === name)?.ms ?? 0)),
      ]),
    },
  })
}

/** Renders a mark in front of the title of an invalid run. */
export const invalidMark = ({ validity }: Result) => !validity.valid && markup`<span class="bad">✗ invalid</span> `

/** Renders latency over the window of one run; null if there is nothing to draw. */
export function timelineFigure({ label, result }: LabelledResult, i: number): Markup | null {
  const segments = decodeSegments(result)
  const chart = drawTimeline(result, segments)
  if (chart === null) return null
  const unit = timeUnit([result.window.endMs])
  const p99s = segments.flatMap(({ latency }) => latency?.p99 ?? [])
  return renderFigure({
    id: `timeline-${i}`,
    title: markup`${invalidMark(result)}Latency over time${label !== '' && markup`: <bdi>${label}</bdi>`}`,
    description: `p99 over ${segments.length} segments ranges from ${time(Math.min(...p99s))} to ${time(Math.max(...p99s))}.`,
    note: renderLegend([
      [markup`<path class="line s-p50" d="M0 0H26"/>`, 'p50'],
      [markup`<path class="line s-p99" d="M0 0H26"/>`, 'p99'],
      [markup`<path class="line thin s-p999" d="M0 0H26"/>`, 'max'],
      ...(segments.some((each) => incompleteIn(each) > 0)
        ? [[markup`<path class="incomplete" d="M0 0H26"/>`, 'not completed'] as [Markup, string]]
        : []),
    ]),
    charts: [chart],
    table: {
      caption: `Latency over time${label === '' ? '' : ` of ${label}`}`,
      columns: [
        result.replications === undefined ? `from, ${unit.name}` : 'replication',
        'p50',
        'p99',
        'max',
        'completed',
        'not completed',
      ],
      rows: segments.map((each, k) => [
        result.replications === undefined ? threeDigits(each.segment.startMs / unit.ms) : k + 1,
        ...(['p50', 'p99', 'max'] as const).map((name) => (each.latency === null ? '–' : time(each.latency[name]))),
        count(each.segment.counts.completed),
        count(incompleteIn(each)),
      ]),
    },
  })
}

/** Renders the batch sizes of one run; null if every batch had one request. */
export function batchesFigure({ label, result }: LabelledResult, i: number): Markup | null {
  const bins = binSizes(result.batches)
  if (bins.length === 0 || (bins.length === 1 && bins[0]?.to === 1)) return null
  const { meanSize, count: batches } = result.batches
  return renderFigure({
    id: `batches-${i}`,
    title: markup`${invalidMark(result)}Batch sizes${label !== '' && markup`: <bdi>${label}</bdi>`}`,
    description: `${count(batches)} batches of ${threeDigits(meanSize)} requests on average.`,
    note: `${count(batches)} batches of ${threeDigits(meanSize)} requests on average`,
    charts: [drawBatchSizes(result, bins)],
    table: {
      caption: `Batch sizes${label === '' ? '' : ` of ${label}`}`,
      columns: ['batch size', 'batches', 'fraction'],
      rows: bins.map(({ from, to, batches: of }) => [
        from === to ? count(from) : `${count(from)} to ${count(to)}`,
        count(of),
        percent(of / batches),
      ]),
    },
  })
}

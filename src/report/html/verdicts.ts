import { checkBudget, type RuleCheck } from '../../budget/check.js'
import { BUDGET_TITLES, budgetRows, headline } from '../../budget/render.js'
import { type Cost, costOf } from '../../result/cost.js'
import { sortFailures } from '../../result/failures.js'
import type { Goodput } from '../../result/goodput.js'
import { nameOf } from '../../result/summary.js'
import type { Finding } from '../../result/validity.js'
import type { Budget } from '../../scenario/budget.js'
import { sortBySeverity } from '../../text/findings.js'
import { closePercentage, count, percent, plural, threeDigits, time } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import { type DataCell, renderDataTable } from './data-table.js'
import type { LabelledResult } from './report-entry.js'

const CLASSES = { error: 'bad', warning: 'doubt', info: 'info' } as const
const MARKS = { pass: ['good', '✓'], fail: ['bad', '✗'], inconclusive: ['doubt', '?'] } as const

/** Renders the validity, findings and budget verdicts of all runs. */
export function renderVerdicts(
  runs: readonly LabelledResult[],
  budget: Budget | undefined,
  price?: number | undefined,
): Markup {
  return markup`<section aria-labelledby="verdicts"><h2 id="verdicts">Verdicts</h2>${renderSummary(runs, price)}${budget !== undefined && runs.length > 0 && renderBudgetChecks(runs, budget)}${renderFailures(runs)}${renderFindings(runs)}</section>`
}

/** With more runs than this, the details of each run are folded up. */
export const MOST_OPEN = 3

const COLUMNS = ['p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const

function renderSummary(runs: readonly LabelledResult[], price: number | undefined): Markup {
  const judged = runs.some(({ result }) => result.goodput !== undefined)
  const rows = runs.map(({ label, result }): DataCell[] => {
    const { latencyMs, throughput, rates, goodput, utilization, validity } = result
    const verdict = validity.valid
      ? markup`<span class="verdict good">✓ valid</span>`
      : markup`<span class="verdict bad">✗ invalid</span>`
    return [
      markup`<bdi>${label === '' ? 'latency' : label}</bdi>`,
      verdict,
      ...COLUMNS.map((name) => ({ text: time(latencyMs[name]), value: latencyMs[name] })),
      { text: threeDigits(throughput.offered), value: throughput.offered },
      { text: threeDigits(throughput.completed), value: throughput.completed },
      { text: percent(rates.error), value: rates.error },
      ...(judged ? [goodputCell(goodput)] : []),
      utilization === null ? '–' : { text: percent(utilization), value: utilization },
      ...(price === undefined ? [] : costCells(costOf(result, { price }))),
    ]
  })
  const times = COLUMNS.map((name) => (name === 'max' ? name : nameOf(name)))
  const columns = [
    'run',
    'verdict',
    ...times,
    'offered/s',
    'completed/s',
    'errors',
    ...(judged ? ['good'] : []),
    'utilization',
    ...(price === undefined ? [] : COSTS),
  ]
  return renderDataTable({ caption: 'All runs', columns, rows })
}

const goodputCell = (goodput: Goodput | undefined): DataCell =>
  goodput === undefined ? '–' : { text: `${closePercentage(goodput.fraction)} %`, value: goodput.fraction }

const COSTS = ['cost/hour', 'cost/million', 'idle', 'completed/s a server']

const costCells = ({ perHour, perMillion, idle, perServer }: Cost): DataCell[] => [
  ...[perHour, perMillion].map((cost): DataCell => (cost === null ? '–' : { text: threeDigits(cost), value: cost })),
  idle === null ? '–' : { text: percent(idle), value: idle },
  perServer === null ? '–' : { text: threeDigits(perServer), value: perServer },
]

/** Renders the failed requests of all runs by kind; null if none failed. */
function renderFailures(runs: readonly LabelledResult[]): Markup | null {
  const failing = runs.filter(({ result }) => result.failures !== undefined)
  if (failing.length === 0) return null
  const rows = failing.flatMap(({ label, result }) =>
    sortFailures(result.failures ?? {}).map(([kind, requests]): DataCell[] => [
      markup`<bdi>${label || 'this run'}</bdi>`,
      markup`<bdi>${kind}</bdi>`,
      { text: count(requests), value: requests },
      { text: percent(requests / result.counts.offered), value: requests / result.counts.offered },
    ]),
  )
  const times = failing.flatMap(({ label, result: { failedMs } }) =>
    failedMs === undefined
      ? []
      : [
          markup`<p class="quiet">${label !== '' && markup`<bdi>${label}</bdi>: `}Failed requests took ${time(failedMs.p50)} (p50) and ${time(failedMs.p99)} (p99) to fail.</p>`,
        ],
  )
  const table = renderDataTable({
    caption: 'Failed requests',
    columns: ['run', 'kind', 'requests', 'of offered'],
    rows,
  })
  return markup`<h3>Failed requests</h3>${table}${times}`
}

/** Renders the findings of all runs. With several runs, the info findings are folded up. */
function renderFindings(runs: readonly LabelledResult[]): Markup {
  const lists = (which: (finding: Finding) => boolean) =>
    runs.flatMap(({ label, result }) => {
      const findings = result.validity.findings.filter(which)
      return findings.length === 0
        ? []
        : [[label !== '' && markup`<h3 class="run"><bdi>${label}</bdi></h3>`, renderFindingList(findings)]]
    })
  if (runs.length === 1) return markup`${lists(() => true)}`
  const notes = lists(({ severity }) => severity === 'info')
  return markup`${lists(({ severity }) => severity !== 'info')}${notes.length > 0 && markup`<details><summary>Notes on ${plural(notes.length, 'run')}</summary>${notes}</details>`}`
}

/** Renders a list of findings, the most severe first. */
export function renderFindingList(findings: readonly Finding[]): Markup | null {
  if (findings.length === 0) return null
  return markup`<ul class="findings">${sortBySeverity(findings).map(
    ({ severity, code, message }) =>
      markup`<li class="${CLASSES[severity]}"><b>${severity}: ${code}</b> <span>${message}</span></li>`,
  )}</ul>`
}

/** Renders one table with every rule for every run. */
function renderBudgetChecks(runs: readonly LabelledResult[], budget: Budget): Markup {
  const checks = runs.map(({ label, result }) => ({ label, result, check: checkBudget(result, budget) }))
  const rows = checks.flatMap(({ label, check }) =>
    budgetRows(check).map(([metric, limit, observed, interval], i): DataCell[] => {
      const rule = check.rules[i] as RuleCheck
      const [name, sign] = MARKS[rule.verdict]
      return [
        markup`<bdi>${label || 'latency'}</bdi>`,
        metric,
        { text: limit, value: rule.limit },
        { text: observed, value: rule.observed },
        interval,
        markup`<span class="verdict ${name}">${sign} ${rule.verdict}</span>`,
      ]
    }),
  )
  const columns = ['run', ...BUDGET_TITLES]
  const verdicts = checks.map(({ label, check }) => {
    const explained = check.rules.filter(({ reason }) => reason !== undefined)
    const reasons = explained.map(({ metric, reason }) => `${metric}: ${reason}`)
    return { label, kind: MARKS[check.verdict][0], headline: headline(check), reasons }
  })
  // runs with the same verdict and reasons share one line
  const groups = new Map<string, (typeof verdicts)[number] & { labels: string[] }>()
  for (const each of verdicts) {
    const key = JSON.stringify([each.kind, each.headline, each.reasons])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { ...each, labels: [each.label] })
    else group.labels.push(each.label)
  }
  const lines = [...groups.values()].map(({ kind, headline, labels, reasons }) => {
    const of = labels.filter((label) => label !== '')
    const runs = of.length > 1 && markup` <span>in ${count(of.length)} of ${count(checks.length)} runs</span>`
    const names = of.map((label, i) => markup`${i > 0 && '; '}<bdi>${label}</bdi>`)
    return markup`<li class="${kind}"><b>${headline}</b>${runs}${of.length > 0 && markup`${of.length > 1 ? markup`<br>` : ' '}<span>${names}</span>`}${reasons.map((reason) => markup`<br><span>${reason}</span>`)}</li>`
  })
  const table = renderDataTable({ caption: 'Budget', columns, rows })
  const shown =
    runs.length > MOST_OPEN ? markup`<details><summary>Every rule for every run</summary>${table}</details>` : table
  return markup`<h3>Budget</h3><ul class="findings">${lines}</ul>${shown}`
}

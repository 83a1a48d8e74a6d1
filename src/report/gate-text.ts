import { type ComparedMetric, overallVerdict } from '../budget/comparison/comparison.js'
import { comparisonRows } from '../budget/comparison/render-comparison.js'
import { headline } from '../budget/render.js'
import type { Detectable } from '../gate/detectable.js'
import type { GateOutcome, GateReport, GateVerdict } from '../gate/gate-report.js'
import { roughPercent } from '../text/number.js'

const TITLES = ['metric', 'base', 'head', 'head / base', '99 % interval', 'detects', 'budget', 'verdict']

/** Builds the table of a gate: a row for each scenario with the metric that decides, without columns that are empty. */
export function gateTable({ scenarios, runner }: GateReport): { titles: string[]; rows: string[][] } {
  const rows = scenarios.map((scenario) => {
    const { name, comparison, detectable, budget } = scenario
    const compared =
      comparison === null ? ['', '', '', '', ''] : findRow(comparison, overallVerdict(comparison).by).slice(0, -1)
    const detects = detectable === null ? '' : detectableText(detectable)
    const kept = budget === null ? '' : { pass: 'kept', fail: 'broken', inconclusive: 'inconclusive' }[budget.verdict]
    return [name, ...compared, detects, kept, verdictText(scenario)]
  })
  const isShown = (_: string, column: number) => rows.length === 0 || rows.some((row) => row[column] !== '')
  return {
    titles: [runner === undefined ? 'scenario' : 'task', ...TITLES].filter(isShown),
    rows: rows.map((row) => row.filter(isShown)),
  }
}

function findRow(comparison: Parameters<typeof comparisonRows>[0], metric: ComparedMetric): string[] {
  return comparisonRows(comparison).rows.find(([name]) => name === metric) as string[]
}

function verdictText({ in: where, verdict, comparison, confirmation, budget }: GateOutcome): string {
  if (where === 'base') return 'removed'
  if (verdict === 'failed') return 'cannot be run'
  if (verdict === 'fail') {
    const isSlower = (confirmation ?? comparison)?.verdict === 'slower'
    return isSlower ? (budget?.verdict === 'fail' ? 'slower, over budget' : 'slower') : 'over budget'
  }
  if (verdict === 'inconclusive') return 'inconclusive'
  return comparison === null ? 'new' : comparison.verdict
}

/** The smallest detectable change: `5 %`. */
function detectableText({ changes }: Detectable): string {
  const least = Math.min(...Object.values(changes))
  return Number.isFinite(least) ? roughPercent(least) : '?'
}

/** The verdict in a line: `Slower than origin/main: saveOrder`. */
export function gateHeadline({ verdict, base, scenarios, runner }: GateReport): string {
  const named = (which: (scenario: GateOutcome) => boolean) =>
    scenarios
      .filter(which)
      .map(({ name }) => name)
      .join(', ')
  const compared = scenarios.filter(({ comparison }) => comparison !== null).length
  switch (verdict) {
    case 'failed':
    case 'fail': {
      const slower = named((each) => verdictText(each).startsWith('slower'))
      const over = named((each) => each.verdict === 'fail' && each.budget?.verdict === 'fail')
      const failed = named((each) => each.verdict === 'failed')
      return [
        slower && `slower than ${base.ref}: ${slower}`,
        over && `over budget: ${over}`,
        failed && `cannot be run: ${failed}`,
      ]
        .filter((text) => text !== '')
        .join('; ')
        .replace(/^./, (letter) => letter.toUpperCase())
    }
    case 'inconclusive': {
      const open = named((each) => each.verdict === 'inconclusive')
      return open === '' ? `Nothing was compared with ${base.ref}` : `Inconclusive: ${open}`
    }
    case 'pass':
      if (compared === 0) return `Budget kept; nothing was compared with ${base.ref}`
      return compared === 1
        ? `Not slower than ${base.ref}`
        : `None of ${compared} ${runner === undefined ? 'scenarios' : 'tasks'} is slower than ${base.ref}`
  }
}

/** The smallest changes that the gate can detect, without which a pass means little; null if unknown. */
export function sensitivityText({ scenarios }: GateReport): string | null {
  const known = scenarios.flatMap(({ name, detectable }) => {
    const changes = Object.entries(detectable?.changes ?? {})
    const [metric, least] = changes.reduce((a, b) => (b[1] < a[1] ? b : a), ['', Number.POSITIVE_INFINITY])
    return Number.isFinite(least) ? [{ name, metric, least }] : []
  })
  const [first, ...others] = known.sort((a, b) => a.least - b.least)
  if (first === undefined) return null
  const { least, metric, name } = first
  const last = others.at(-1) ?? first
  const changes =
    others.length === 0
      ? `${roughPercent(least)} or more${metric === 'service.mean' ? ' in service time' : ''}`
      : last.least === least
        ? `${roughPercent(least)} or more in each scenario`
        : `${roughPercent(least)} (${name}) to ${roughPercent(last.least)} (${last.name}) or more`
  return `Can detect changes of ${changes} (in 95 of 100 comparisons, estimated from the spread of the pairs).`
}

/** Lists reasons and remarks on each scenario and on all. */
export function gateNotes({ scenarios, notes }: GateReport): string[] {
  return [
    ...scenarios.flatMap(({ name, reason, comparison, confirmation, budget }) => {
      const comparisonReason = (confirmation ?? comparison)?.reason
      const rules = budget?.rules.filter(({ verdict }) => verdict !== 'pass') ?? []
      return [
        reason,
        reason === undefined ? comparisonReason : undefined,
        rules.length > 0 && budget !== null
          ? `${headline(budget)} (${rules.map(({ metric }) => metric).join(', ')})`
          : undefined,
      ].flatMap((text) => (text === undefined ? [] : [`${name}: ${text}`]))
    }),
    ...notes,
  ]
}

/** The commits that were compared. */
export function gateSides({ base, head }: GateReport): string {
  const short = (commit: string | null) => commit?.slice(0, 10) ?? 'no commit'
  const dirty = head.changes > 0 ? ' with uncommitted changes' : ''
  return `base ${short(base.commit)} (${base.ref}), head ${short(head.commit)}${head.branch === null ? '' : ` (${head.branch})`}${dirty}`
}

export const GATE_MARKS: Record<GateVerdict, string> = { pass: '✅', fail: '❌', inconclusive: '⚠️', failed: '❌' }

import { type ComparedMetric, overallVerdict } from '../budget/comparison.js'
import type { Detectable } from '../budget/detectable.js'
import { headline } from '../budget/render.js'
import { comparisonRows } from '../budget/render-comparison.js'
import type { GatedScenario, GateReport, GateVerdict } from '../gate/gate-report.js'
import { roughPercent } from '../text/number.js'

export const GATE_TITLES = [
  'scenario',
  'metric',
  'base',
  'head',
  'head / base',
  '99 % interval',
  'finds',
  'budget',
  'verdict',
] as const

/** A row for each scenario, under those titles: of the metric that decides. */
export function gateRows({ scenarios }: GateReport): string[][] {
  return scenarios.map((scenario) => {
    const { name, comparison, detectable, budget } = scenario
    const compared =
      comparison === null ? ['', '', '', '', ''] : rowOf(comparison, overallVerdict(comparison).by).slice(0, -1)
    const finds = detectable === null ? '' : detectableText(detectable)
    const kept = budget === null ? '' : { pass: 'kept', fail: 'broken', inconclusive: 'inconclusive' }[budget.verdict]
    return [name, ...compared, finds, kept, verdictText(scenario)]
  })
}

function rowOf(comparison: Parameters<typeof comparisonRows>[0], metric: ComparedMetric): string[] {
  return comparisonRows(comparison).rows.find(([name]) => name === metric) as string[]
}

function verdictText({ in: where, verdict, comparison, confirmation, budget }: GatedScenario): string {
  if (where === 'base') return 'removed'
  if (verdict === 'failed') return 'cannot be run'
  if (verdict === 'fail') {
    const isSlower = (confirmation ?? comparison)?.verdict === 'slower'
    return isSlower ? (budget?.verdict === 'fail' ? 'slower, over budget' : 'slower') : 'over budget'
  }
  if (verdict === 'inconclusive') return 'inconclusive'
  return comparison === null ? 'new' : comparison.verdict
}

/** The smallest change that would have been found: `5 %`. */
function detectableText({ changes }: Detectable): string {
  const least = Math.min(...Object.values(changes))
  return Number.isFinite(least) ? roughPercent(least) : '?'
}

/** The verdict in a line: `Slower than origin/main: saveOrder`. */
export function gateHeadline({ verdict, base, scenarios }: GateReport): string {
  const named = (which: (scenario: GatedScenario) => boolean) =>
    scenarios
      .filter(which)
      .map(({ name }) => name)
      .join(', ')
  const compared = scenarios.filter(({ comparison }) => comparison !== null).length
  switch (verdict) {
    case 'failed':
      return `Cannot be run: ${named((each) => each.verdict === 'failed')}`
    case 'fail': {
      const slower = named((each) => verdictText(each).startsWith('slower'))
      const over = named((each) => each.verdict === 'fail' && each.budget?.verdict === 'fail')
      return [slower && `slower than ${base.ref}: ${slower}`, over && `over budget: ${over}`]
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
      return compared === 1 ? `Not slower than ${base.ref}` : `None of ${compared} scenarios is slower than ${base.ref}`
  }
}

/** What the gate could have found: without it, a green one says nothing. Null if it is unknown. */
export function sensitivity({ scenarios }: GateReport): string | null {
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
      ? `${roughPercent(least)} and more${metric === 'service.mean' ? ' in the time of service' : ''}`
      : last.least === least
        ? `${roughPercent(least)} and more in each scenario`
        : `${roughPercent(least)} (${name}) to ${roughPercent(last.least)} (${last.name}) and more`
  const pairs = scenarios.find(({ detectable }) => detectable !== null)?.detectable?.pairs
  return `Could have found changes of ${changes} (in 95 of 100 comparisons, by ${pairs} pairs of base with itself).`
}

/** What there is to say of each scenario and of all, one line each. */
export function gateNotes({ scenarios, notes }: GateReport): string[] {
  return [
    ...scenarios.flatMap(({ name, reason, comparison, confirmation, budget }) => {
      const ofComparison = (confirmation ?? comparison)?.reason
      const rules = budget?.rules.filter(({ verdict }) => verdict !== 'pass') ?? []
      return [
        reason,
        reason === undefined ? ofComparison : undefined,
        rules.length > 0 && budget !== null
          ? `${headline(budget)} (${rules.map(({ metric }) => metric).join(', ')})`
          : undefined,
      ].flatMap((text) => (text === undefined ? [] : [`${name}: ${text}`]))
    }),
    ...notes,
  ]
}

/** Which commits were compared. */
export function gateSides({ base, head }: GateReport): string {
  const short = (commit: string | null) => commit?.slice(0, 10) ?? 'no commit'
  const dirty = head.changes > 0 ? ' and changes that are not committed' : ''
  return `base ${short(base.commit)} (${base.ref}), head ${short(head.commit)}${head.branch === null ? '' : ` (${head.branch})`}${dirty}`
}

export const GATE_MARKS: Record<GateVerdict, string> = { pass: '✅', fail: '❌', inconclusive: '⚠️', failed: '❌' }

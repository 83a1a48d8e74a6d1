import { figureText } from '../../budget/render.js'
import type { MeasuredCapacity, TriedLoad } from '../../explore/limit/measure-capacity.js'
import type { LoadCause } from '../../explore/limit/search.js'
import { rate, seconds } from '../../text/number.js'
import { plain, type RenderOptions } from '../../text/style.js'
import { renderParagraph } from '../../text/wrap.js'
import { type Column, table } from './table.js'

/** Renders the highest load that keeps a budget, what ended the search, and the loads that were tried. */
export function renderCapacity(found: MeasuredCapacity, { width = 80, style = plain }: RenderOptions = {}): string {
  const parts = [
    renderParagraph(leadText(found), width, (line) => style(found.rate === null ? 'yellow' : 'bold', line)),
    renderParagraph(endText(found), width),
    renderParagraph(confirmedText(found), width),
    triedTable(found.tried, style),
  ]
  return parts.filter((part) => part.trim() !== '').join('\n\n')
}

function leadText({ rate: highest, failed }: MeasuredCapacity): string {
  if (highest === null) {
    return failed === null
      ? 'No load was shown to keep or to break the budget.'
      : 'No load was shown to keep the budget.'
  }
  const above = failed === null ? 'no load that was tried breaks it' : `${rate(failed)} breaks it`
  return `Keeps the budget at ${rate(highest)}; ${above}.`
}

const ENDED_BY: Record<LoadCause, string> = {
  budget: 'The budget ended the search',
  saturation: 'Saturation of the target ended the search',
  errors: 'Errors ended the search',
  machine: 'This machine, or an invalid run, ended the search, so the target may sustain more',
  'too-short': 'A load without a clear verdict ended the search, so the target may sustain more',
}

/** What ended the search. */
function endText({ limit, tried }: MeasuredCapacity): string {
  if (limit !== null) return `${ENDED_BY[limit.cause as LoadCause]}: at ${rate(limit.rate)}, ${limit.reason}.`
  const undecided = tried.findLast(({ cause }) => cause !== null)
  return undecided === undefined ? '' : `At ${rate(undecided.rate)}, ${undecided.reason}.`
}

function confirmedText({ rate: highest, confirmed, ended, limit }: MeasuredCapacity): string {
  if (ended === 'found') return ''
  const why = ended === 'time' ? 'The time ran out' : 'The search was stopped'
  const longer = ended === 'time' ? '; allow more time' : ''
  if (highest === null) return `${why} before a load passed${longer}.`
  if (!confirmed) return `${why} before a long run confirmed this load: it passed a short one only${longer}.`
  const end = limit === null ? 'the budget broke' : 'a load at most 5 % above it failed to pass'
  return `${why} before ${end}: the target may sustain more${longer}.`
}

/** Renders a row for each load, in the order in which they were run. */
export function triedTable(tried: readonly TriedLoad[], style: NonNullable<RenderOptions['style']>): string {
  if (tried.length === 0) return ''
  const metrics = [...new Set(tried.flatMap(({ check }) => check?.rules.map(({ metric }) => metric) ?? []))]
  const columns: Column[] = [
    { header: 'load' },
    { header: 'run', align: 'left' },
    { header: 'window' },
    ...metrics.map((header): Column => ({ header })),
    { header: 'verdict', align: 'left' },
    { header: 'cause', align: 'left' },
  ]
  const rows = tried.map(({ rate: load, kind, windowMs, check, verdict, cause }) => [
    rate(load),
    kind,
    windowMs === null ? '–' : seconds(windowMs),
    ...metrics.map((metric) => {
      const rule = check?.rules.find((each) => each.metric === metric)
      return rule === undefined || rule.observed === null ? '–' : figureText(rule.observed, rule.unit)
    }),
    verdict,
    cause === null ? '' : CAUSES[cause],
  ])
  return table(columns, rows, style)
}

const CAUSES: Record<LoadCause, string> = {
  budget: 'budget',
  saturation: 'saturation',
  errors: 'errors',
  machine: 'this machine',
  'too-short': 'too little data',
}

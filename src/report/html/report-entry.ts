import { checkComparison } from '../../budget/check-comparison.js'
import type { Comparison } from '../../budget/comparison.js'
import type { Tuned } from '../../explore/tune.js'
import { checkedResult } from '../../result/check.js'
import type { Result } from '../../result/result.js'
import { got, ValidationError } from '../../validation/validation-error.js'
import { short } from '../draw/label.js'
import { ENGINES, fieldName, labelOf, type SweptRun } from '../draw/trade-off-figure.js'
import type { NamedResult } from '../named-result.js'
import { checkIsTuned } from '../terminal/tuned-table.js'

/** A run, and how it is told from others: by nothing where it is alone. */
export interface LabelledResult {
  label: string
  result: Result
}

/** What a report may be of. */
export type ReportEntry = Result | NamedResult | SweptRun | Comparison | Tuned

/** What a report is of, by kind: every run with a label, those of a sweep also as such. */
export interface Contents {
  runs: LabelledResult[]
  swept: SweptRun[]
  comparisons: Comparison[]
  tuned: Tuned[]
}

/** A label is said with every figure, so that one as long as a book would be one many times. */
const LONGEST_LABEL = 120

/**
 * Sorts what is to be reported, and checks it.
 *
 * @throws ValidationError if an entry cannot be reported, or contradicts itself
 */
export function contentsOf(given: readonly ReportEntry[]): Contents {
  const contents: Contents = { runs: [], swept: [], comparisons: [], tuned: [] }
  const nameless: LabelledResult[] = []
  given.forEach((each, i) => {
    const name = `report[${i}]`
    if (typeof each !== 'object' || each === null) throw notReported(name, each)
    if ('result' in each && 'point' in each) {
      const result = checkedResult(each.result, `${name}.result`)
      if (typeof each.point !== 'object' || each.point === null) throw notReported(`${name}.point`, each.point)
      contents.swept.push({ point: each.point, result })
      contents.runs.push({ label: short(pointLabel(each.point), LONGEST_LABEL), result })
    } else if ('result' in each) {
      contents.runs.push({
        label: short(String(each.name), LONGEST_LABEL),
        result: checkedResult(each.result, `${name}.result`),
      })
    } else if ('schema' in each && String(each.schema).startsWith('throughline/comparison')) {
      contents.comparisons.push(checkComparison(each, name))
    } else if ('schema' in each && String(each.schema).startsWith('throughline/tuned')) {
      checkIsTuned(each, name)
      contents.tuned.push(each as Tuned)
    } else {
      const run = { label: '', result: checkedResult(each, name) }
      contents.runs.push(run)
      nameless.push(run)
    }
  })
  nameThem(nameless, contents.runs.length)
  return contents
}

function notReported(name: string, value: unknown): ValidationError {
  return new ValidationError(
    name,
    `must be a result, a comparison, { name, result }, or a run of a sweep: { point, result }; ${got(value)}`,
  )
}

function pointLabel(point: object): string {
  return Object.entries(point)
    .map(([field, value]) => `${fieldName(field)} ${labelOf(value)}`)
    .join(', ')
}

/** One run alone needs no name; a few are told apart by their engines, or by their numbers. */
function nameThem(nameless: LabelledResult[], all: number): void {
  if (all === 1) return
  const engines = nameless.map(({ result }) => ENGINES[result.engine])
  const alike = new Set(engines).size < engines.length
  nameless.forEach((run, i) => {
    run.label = alike ? `run ${i + 1}` : (engines[i] as string)
  })
}

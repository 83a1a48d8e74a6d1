import { checkComparison } from '../../budget/comparison/check-comparison.js'
import type { Comparison } from '../../budget/comparison/comparison.js'
import { checkTuned } from '../../explore/tune/check-tuned.js'
import type { Tuned } from '../../explore/tune/tuned.js'
import { checkResult } from '../../result/check.js'
import type { Result } from '../../result/result.js'
import { got, ValidationError } from '../../validation/validation-error.js'
import { shorten } from '../draw/elements/label.js'
import { ENGINES, fieldName, labelOf, type SweptRun } from '../draw/trade-off-figure.js'
import type { NamedResult } from '../named-result.js'

/** A run and its label; empty if it is the only run. */
export interface LabelledResult {
  label: string
  result: Result
}

/** One entry of a report. */
export type ReportEntry = Result | NamedResult | SweptRun | Comparison | Tuned

/** The entries of a report by kind. `runs` holds every run, those of a sweep too. */
export interface Contents {
  runs: LabelledResult[]
  swept: SweptRun[]
  comparisons: Comparison[]
  tuned: Tuned[]
}

/** Labels are repeated with every figure, so long ones are cut. */
const LONGEST_LABEL = 120

/**
 * Checks entries and sorts them by kind.
 *
 * @throws ValidationError if an entry is invalid or inconsistent
 */
export function contentsOf(given: readonly ReportEntry[]): Contents {
  const contents: Contents = { runs: [], swept: [], comparisons: [], tuned: [] }
  const nameless: LabelledResult[] = []
  given.forEach((each, i) => {
    const name = `report[${i}]`
    if (typeof each !== 'object' || each === null) throw invalidEntry(name, each)
    if ('result' in each && 'point' in each) {
      const result = checkResult(each.result, `${name}.result`)
      if (typeof each.point !== 'object' || each.point === null) throw invalidEntry(`${name}.point`, each.point)
      contents.swept.push({ point: each.point, result })
      contents.runs.push({ label: shorten(pointLabel(each.point), LONGEST_LABEL), result })
    } else if ('result' in each) {
      contents.runs.push({
        label: shorten(String(each.name), LONGEST_LABEL),
        result: checkResult(each.result, `${name}.result`),
      })
    } else if ('schema' in each && String(each.schema).startsWith('throughline/comparison')) {
      contents.comparisons.push(checkComparison(each, name))
    } else if ('schema' in each && String(each.schema).startsWith('throughline/tuned')) {
      contents.tuned.push(checkTuned(each, name))
    } else {
      const run = { label: '', result: checkResult(each, name) }
      contents.runs.push(run)
      nameless.push(run)
    }
  })
  labelNameless(nameless, contents.runs.length)
  return contents
}

function invalidEntry(name: string, value: unknown): ValidationError {
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

/** Labels runs without a name by their engines if those differ, else by their numbers. A single run needs no label. */
function labelNameless(nameless: LabelledResult[], all: number): void {
  if (all === 1) return
  const engines = nameless.map(({ result }) => ENGINES[result.engine])
  const repeated = new Set(engines).size < engines.length
  nameless.forEach((run, i) => {
    run.label = repeated ? `run ${i + 1}` : (engines[i] as string)
  })
}

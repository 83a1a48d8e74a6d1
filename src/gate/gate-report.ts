import type { BudgetCheck } from '../budget/check.js'
import { checkComparison } from '../budget/comparison/check-comparison.js'
import type { Comparison } from '../budget/comparison/comparison.js'
import type { Environment } from '../result/host.js'
import {
  checkList,
  checkVersion,
  got,
  placeIn,
  type Source,
  sourceOf,
  ValidationError,
} from '../validation/validation-error.js'
import type { BenchRunner } from './bench/messages.js'
import type { Detectable } from './detectable.js'

/** The verdict on one scenario, or on all. `failed` means that a scenario could not run. */
export type GateVerdict = 'pass' | 'fail' | 'inconclusive' | 'failed'

/** The outcome of a gate for one scenario, or one task of a micro-benchmark. */
export interface GateOutcome {
  name: string
  /** relative to the folder where the gate ran */
  file: string
  /** the sides that have the scenario; it does not run if only base has it */
  in: 'both' | 'head' | 'base'
  verdict: GateVerdict
  /** the reason, unless the comparison or the budget gives it */
  reason?: string
  /** null if there was nothing to compare, or the scenario could not run */
  comparison: Comparison | null
  /** a second comparison if the first one found head slower and the gate has several scenarios; both must agree */
  confirmation: Comparison | null
  /** the smallest detectable changes; null if nothing was compared */
  detectable: Detectable | null
  /** the check of head; null without a budget */
  budget: BudgetCheck | null
}

export const GATE_SCHEMA = 'throughline/gate@1'

/** The report of a gate: whether head is slower than base in each scenario. Plain data. */
export interface GateReport {
  schema: typeof GATE_SCHEMA
  /** the worst verdict: failed, then fail, then inconclusive (also if nothing was checked), then pass */
  verdict: GateVerdict
  base: { ref: string; commit: string; dependencies: 'linked' | 'installed' | 'none' }
  head: { commit: string | null; branch: string | null; changes: number }
  /** set if the tasks of micro-benchmarks were compared */
  runner?: BenchRunner
  scenarios: GateOutcome[]
  /** remarks, such as on uncommitted changes */
  notes: string[]
  environment: Environment
}

/** Combines the verdicts of all scenarios. */
export function gateVerdict(scenarios: readonly GateOutcome[]): GateVerdict {
  const checked = scenarios.filter(
    (each) => each.comparison !== null || each.budget !== null || each.verdict !== 'pass',
  )
  const some = (verdict: GateVerdict) => checked.some((each) => each.verdict === verdict)
  if (some('failed')) return 'failed'
  if (some('fail')) return 'fail'
  return some('inconclusive') || checked.length === 0 ? 'inconclusive' : 'pass'
}

/**
 * Rejects a value that is not the report of a gate.
 *
 * @throws ValidationError
 */
export function checkIsGate(value: unknown, name: Source = 'gate'): void {
  checkVersion(value, { name, kind: 'gate', schema: GATE_SCHEMA })
}

/**
 * Checks the report of a gate, such as one read from a file.
 *
 * @throws ValidationError if it is of another version, or its verdicts do not follow from its figures
 */
export function checkGate(value: unknown, name: Source = 'gate'): GateReport {
  checkIsGate(value, name)
  const gate = value as GateReport
  checkList(gate.scenarios, sourceOf(name, 'scenarios'), 'scenarios')
  for (const [i, { comparison, confirmation }] of gate.scenarios.entries()) {
    if (comparison !== null) checkComparison(comparison, sourceOf(name, `scenarios[${i}].comparison`))
    if (confirmation !== null) checkComparison(confirmation, sourceOf(name, `scenarios[${i}].confirmation`))
  }
  if (gate.verdict === gateVerdict(gate.scenarios)) return gate
  throw new ValidationError(
    placeIn(name, 'verdict'),
    `must follow from the scenarios: ${gateVerdict(gate.scenarios)}, ${got(gate.verdict)}`,
  )
}

import type { BudgetCheck } from '../budget/check.js'
import { checkComparison } from '../budget/check-comparison.js'
import type { Comparison } from '../budget/comparison.js'
import type { Detectable } from '../budget/detectable.js'
import type { Environment } from '../result/result.js'
import { checkList, checkVersion, ValidationError } from '../validation/validation-error.js'

/** What a gate says of one scenario, or of all. `failed` is a scenario that could not be run. */
export type GateVerdict = 'pass' | 'fail' | 'inconclusive' | 'failed'

/** What a gate found of one scenario. */
export interface GatedScenario {
  name: string
  /** from the folder that the gate ran in */
  file: string
  /** on which side it exists; one that is only in base is not run */
  in: 'both' | 'head' | 'base'
  verdict: GateVerdict
  /** why, if neither the comparison nor the budget says it */
  reason?: string
  /** null if there was nothing to compare, or it could not be run */
  comparison: Comparison | null
  /** a second comparison of a scenario that came out slower, if the gate has several: slower is what both say */
  confirmation: Comparison | null
  /** what the comparison could have found; null if it is simulated, or was not asked for */
  detectable: Detectable | null
  /** of head; null without a budget */
  budget: BudgetCheck | null
}

export const GATE_SCHEMA = 'throughline/gate@1'

/** Whether head is slower than base, scenario by scenario: plain data. */
export interface GateReport {
  schema: typeof GATE_SCHEMA
  /** failed if a scenario could not be run, else fail if one fails, else inconclusive if one is, or nothing was judged */
  verdict: GateVerdict
  base: { ref: string; commit: string; dependencies: 'linked' | 'installed' | 'none' }
  head: { commit: string | null; branch: string | null; changes: number }
  scenarios: GatedScenario[]
  /** what else bears on it, such as changes that are not committed */
  notes: string[]
  environment: Environment
}

/** The verdict on all, by those on each. */
export function gateVerdict(scenarios: readonly GatedScenario[]): GateVerdict {
  const judged = scenarios.filter((each) => each.comparison !== null || each.budget !== null || each.verdict !== 'pass')
  const some = (verdict: GateVerdict) => judged.some((each) => each.verdict === verdict)
  if (some('failed')) return 'failed'
  if (some('fail')) return 'fail'
  return some('inconclusive') || judged.length === 0 ? 'inconclusive' : 'pass'
}

/**
 * Refuses what is no report of a gate.
 *
 * @throws ValidationError
 */
export function checkIsGate(value: unknown, name = 'gate'): void {
  checkVersion(value, { name, kind: 'gate', schema: GATE_SCHEMA })
}

/**
 * Checks what may be the report of a gate, such as one read from a file.
 *
 * @throws ValidationError if it is of another version, or its verdicts do not follow from its figures
 */
export function checkGate(value: unknown, name = 'gate'): GateReport {
  checkIsGate(value, name)
  const gate = value as GateReport
  checkList(gate.scenarios, `${name}.scenarios`, 'scenarios')
  for (const [i, { comparison, confirmation }] of gate.scenarios.entries()) {
    if (comparison !== null) checkComparison(comparison, `${name}.scenarios[${i}].comparison`)
    if (confirmation !== null) checkComparison(confirmation, `${name}.scenarios[${i}].confirmation`)
  }
  if (gate.verdict === gateVerdict(gate.scenarios)) return gate
  throw new ValidationError(`${name}.verdict`, 'must be what its scenarios say')
}

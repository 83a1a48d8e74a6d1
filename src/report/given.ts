import { checkIsResult } from '../result/check.js'
import { checkList, got, ScenarioError } from '../scenario/error.js'

/**
 * Refuses what is no list of `{ name, result }`.
 *
 * @throws ScenarioError
 */
export function checkNamed(given: unknown): void {
  checkEach(given, 'results', '{ name, result }', ({ name }) => typeof name === 'string')
}

/**
 * Refuses what `sweep` does not give.
 *
 * @throws ScenarioError
 */
export function checkSwept(given: unknown): void {
  checkEach(given, 'sweep', '{ point, result }', ({ point }) => typeof point === 'object' && point !== null)
}

function checkEach(given: unknown, name: string, of: string, accepts: (each: Record<string, unknown>) => boolean) {
  checkList(given, name, of)
  for (const [i, each] of (given as unknown[]).entries()) {
    if (
      typeof each !== 'object' ||
      each === null ||
      !('result' in each) ||
      !accepts(each as typeof each & Record<string, unknown>)
    ) {
      throw new ScenarioError(`${name}[${i}]`, `must be ${of}, ${got(each)}`)
    }
    checkIsResult(each.result, `${name}[${i}].result`)
  }
}

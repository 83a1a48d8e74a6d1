import type { Swept } from '../explore/sweep.js'
import { checkResult } from '../result/check.js'
import { fieldOf } from '../scenario/fields.js'
import { placeIn, type Source, show, sourceOf, ValidationError } from '../validation/validation-error.js'

/** Converts a sweep to the form that `sweep --json` prints: the fields of each point, and its result. */
export const toStoredSweep = (swept: readonly Swept[]) => swept.map(({ point, result }) => ({ ...point, result }))

/**
 * Parses a sweep as printed by `sweep --json`.
 *
 * @throws ValidationError naming the first invalid point
 */
export function parseStoredSweep(value: readonly unknown[], file: string): Swept[] {
  return value.map((each, i) => {
    const at: Source = { file, path: `[${i}]` }
    if (typeof each !== 'object' || each === null || !('result' in each)) {
      throw new ValidationError(placeIn(at), `must be a point of a sweep with a result, got ${show(each)}`)
    }
    const { result, ...point } = each
    for (const field of Object.keys(point)) fieldOf(field, placeIn(at, field))
    return { point: point as Swept['point'], result: checkResult(result, sourceOf(at, 'result')) }
  })
}

import { z } from 'zod'
import { checkResult } from '../../result/check.js'
import { budgetSchema } from '../../scenario/budget.js'
import {
  checkVersion,
  placeIn,
  type Source,
  sourceOf,
  throwFaults,
  ValidationError,
} from '../../validation/validation-error.js'
import { keyOf, type Tuned, type TunedSetting } from './tuned.js'

const number = z.number({ error: 'must be a number' })
const count = z.int({ error: 'must be a whole number' }).min(0, { error: 'must be 0 or more' })
const text = z.string({ error: 'must be a string' })
const flag = z.boolean({ error: 'must be true or false' })
const object = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape, { error: 'must be an object' })
const list = <Of extends z.ZodType>(of: Of) => z.array(of, { error: 'must be a list' })
const setting = object({
  candidate: text.nullable(),
  quality: number.nullable(),
  servers: count.min(1, { error: 'must be 1 or more' }),
  batching: object({ maxBatchSize: count.min(1, { error: 'must be 1 or more' }), maxWait: number }),
  p99Ms: number.nullable(),
  goodput: number.nullable(),
  keepsBudget: flag,
  cost: object({
    perHour: number.nullable(),
    perMillion: number.nullable(),
    idle: number.nullable(),
    perServer: number.nullable(),
  }),
})
const headroom = object({
  ...{ growth: number.nullable(), most: number, low: number.nullable(), high: number.nullable() },
  limit: z.enum(['budget', 'saturation'], { error: "must be 'budget' or 'saturation', or null" }).nullable(),
})
const schema = object({
  budget: budgetSchema,
  best: setting
    .extend({ confirmed: flag, isLonger: flag, result: z.unknown(), check: z.unknown(), headroom: headroom.nullable() })
    .nullable(),
  sentence: text,
  nearest: object({ sentence: text }).nullable(),
  front: list(setting),
  candidates: list(object({ name: text.nullable(), outcome: text, cheapest: setting.nullable() })),
  settings: list(setting),
  runs: count,
  grid: count,
  unsearched: list(text),
})

/**
 * Checks only that a value is what `tune` returns.
 *
 * @throws ValidationError
 */
export function checkIsTuned(value: unknown, name: Source = 'tuned'): void {
  checkVersion(value, { name, kind: 'tune result', schema: 'throughline/tuned@1' })
}

/**
 * Checks what `tune` found in full, for instance as read from a file.
 *
 * @throws ValidationError if it has another version, a field is missing or invalid, or it contradicts itself
 */
export function checkTuned(value: unknown, name: Source = 'tuned'): Tuned {
  checkIsTuned(value, name)
  const parsed = schema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
  const tuned = value as Tuned
  const { best, front, settings, candidates } = tuned
  const known = new Map(settings.map((each) => [keyOf(each), each]))
  const strange = (of: TunedSetting) => known.get(keyOf(of))?.keepsBudget !== true
  const wrong = front.findIndex(strange)
  if (wrong >= 0)
    throw new ValidationError(placeIn(name, `front.${wrong}`), 'must be one of the settings that keep the budget')
  if (best !== null) {
    if (strange(best))
      throw new ValidationError(placeIn(name, 'best'), 'must be one of the settings that keep the budget')
    if (best.confirmed !== (best.result !== null)) {
      throw new ValidationError(
        placeIn(name, 'best.confirmed'),
        'must be true exactly when there is a result of the longer run',
      )
    }
    if (best.result !== null) checkResult(best.result, sourceOf(name, 'best.result'))
  }
  const names = new Set(candidates.map((each) => each.name))
  const nameless = settings.findIndex(({ candidate }) => !names.has(candidate))
  if (nameless >= 0)
    throw new ValidationError(placeIn(name, `settings.${nameless}.candidate`), 'must be one of the candidates')
  return tuned
}

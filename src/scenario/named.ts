import { z } from 'zod'
import { ValidationError } from '../validation/validation-error.js'

/**
 * A function, or another value that is not plain data, as a Result stores it: by name. Such a scenario cannot run again.
 */
export interface Named {
  function: string
  rerunnable: false
}

export const named = (name: string): Named => ({ function: name || 'anonymous', rerunnable: false })

export const isNamed = (value: unknown): value is Named =>
  typeof value === 'object' && value !== null && (value as Named).rerunnable === false

/** A schema of a value that is not plain data, such as a function, or of its stored form. */
export const live = <Value>(description: string, accepts: (value: unknown) => boolean) =>
  z.custom<Value | Named>((value) => accepts(value) || isNamed(value), { error: `must be ${description}` })

/**
 * Refuses the stored form of a value, which cannot run.
 *
 * @throws ValidationError
 */
export function checkLive(path: string, value: unknown): void {
  if (!isNamed(value)) return
  throw new ValidationError(
    path,
    `is only a name (${value.function}), because a Result stores a function or an object that is not plain data by name; to run it again, give the value itself`,
  )
}

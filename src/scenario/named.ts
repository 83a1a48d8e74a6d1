import { z } from 'zod'
import { ValidationError } from '../validation/validation-error.js'

/**
 * What a Result keeps of a function, or of another thing that is no data: its name. Such a scenario cannot be run
 * again.
 */
export interface Named {
  function: string
  rerunnable: false
}

export const named = (name: string): Named => ({ function: name || 'anonymous', rerunnable: false })

export const isNamed = (value: unknown): value is Named =>
  typeof value === 'object' && value !== null && (value as Named).rerunnable === false

/** A schema of what is no data, such as a function: it is taken as it is, and so is what a Result has kept of it. */
export const live = <Value>(description: string, accepts: (value: unknown) => boolean) =>
  z.custom<Value | Named>((value) => accepts(value) || isNamed(value), { error: `must be ${description}` })

/**
 * Refuses to run what a Result has kept the name of.
 *
 * @throws ValidationError
 */
export function checkLive(path: string, value: unknown): void {
  if (!isNamed(value)) return
  throw new ValidationError(
    path,
    `was no data (${value.function}), of which a Result keeps the name alone; to run it again give the thing itself`,
  )
}

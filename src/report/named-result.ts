import type { Result } from '../result/result.js'

/** A result, and what it is called among others. */
export interface NamedResult {
  name: string
  result: Result
}

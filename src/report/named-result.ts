import type { Result } from '../result/result.js'

/** A result and the name that reports show for it. */
export interface NamedResult {
  name: string
  result: Result
}

import { readBudget } from '../files/stored.js'
import { type Budget, parseBudget } from '../scenario/budget.js'
import { ValidationError } from '../validation/validation-error.js'

/** Parses a number; returns any other text unchanged, for the schema to parse or reject. */
export function parseValue(text: string | undefined): number | string | undefined {
  return text !== undefined && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

/** Describes the fault of a duration without a unit, if seconds or milliseconds may be meant. */
export const withoutUnit = (text: string) =>
  `must have a unit, such as ${text.trim()}s or ${text.trim()}ms, got '${text}'`

const PAIR = /^\s*([^=<>≤≥]+?)\s*(<=|>=|[=<>≤≥])\s*(.+?)\s*$/

/** Parses `p99=100ms,errorRate<1%` into an object; a value keeps any sign but `=`. */
export function parsePairs(text: string, flag: string): Record<string, string | number> {
  const pairs = text.split(',').map((pair) => {
    const [, name, sign, value] = PAIR.exec(pair) ?? []
    if (name === undefined || value === undefined) {
      throw new ValidationError(flag, `must be a list of name=value, got '${pair}'`)
    }
    return [name, sign === '=' ? (parseValue(value) as string | number) : `${sign} ${value}`] as const
  })
  const twice = pairs.find(([name], i) => pairs.findIndex(([other]) => other === name) < i)
  if (twice !== undefined) throw new ValidationError(flag, `must give each name once, got ${twice[0]} twice`)
  return Object.fromEntries(pairs)
}

/** Describes `--budget` in the help of each command that has it. */
export const BUDGET_IS = 'limits, such as p99=100ms,errorRate<1%, or a JSON file of a budget'

/**
 * Reads the budget of a command: limits such as `p99=100ms,errorRate<1%`, or a JSON file.
 *
 * @throws ValidationError if it is missing or invalid
 */
export async function loadBudget(text: string | undefined): Promise<Budget> {
  if (text === undefined || text.trim() === '') throw new ValidationError('--budget', `is required: ${BUDGET_IS}`)
  if (!isLimits(text)) return readBudget(text)
  return parseBudget(parsePairs(text, '--budget'), { file: '--budget' })
}

/** Whether a budget is written as limits, and is not the name of a file. */
export const isLimits = (text: string) => /[=<>≤≥]/.test(text) && !text.endsWith('.json')

/** Parses a limit: 'none' is null. */
export function parseLimit(text: string | undefined): number | string | null | undefined {
  return text === 'none' ? null : parseValue(text)
}

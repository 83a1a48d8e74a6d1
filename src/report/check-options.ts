import { z } from 'zod'
import { checkIsResult } from '../result/check.js'
import { priceSchema } from '../result/cost.js'
import { budgetSchema } from '../scenario/budget.js'
import { options } from '../scenario/units.js'
import { checkList, got, throwFaults, ValidationError } from '../validation/validation-error.js'

const title = z.string({ error: 'must be a string' }).optional()
/** The options of each kind of report. */
const OPTIONS = {
  report: options({ title, budget: budgetSchema.optional(), price: priceSchema.optional() }),
  markdown: options({ title }),
  resultMarkdown: options({ title, price: priceSchema.optional() }),
  csv: options({ price: priceSchema.optional() }),
  svg: options({ title }),
  junit: options({
    name: title,
    onInconclusive: z.enum(['fail', 'pass'], { error: "must be 'fail' or 'pass'" }).optional(),
  }),
}

/**
 * Rejects unknown and invalid options, which would otherwise be ignored silently.
 *
 * @param path where the options are, in messages
 * @throws ValidationError
 */
export function checkOptions(given: unknown, of: keyof typeof OPTIONS, path: string = of): void {
  const parsed = OPTIONS[of].safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, path, given)
}

/**
 * Checks that a value is a list of `{ name, result }`.
 *
 * @throws ValidationError
 */
export function checkNamed(given: unknown): void {
  checkEach(given, 'results', '{ name, result }', ({ name }) => typeof name === 'string')
}

/**
 * Checks that a value is a list of `{ point, result }`, as `sweep` returns it.
 *
 * @throws ValidationError
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
      throw new ValidationError(`${name}[${i}]`, `must be ${of}, ${got(each)}`)
    }
    checkIsResult(each.result, `${name}[${i}].result`)
  }
}

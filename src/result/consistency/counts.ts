import { type Goodput, goodPart } from '../goodput.js'
import { type Counts, errorsIn } from '../recording.js'
import type { Result } from '../result.js'
import { type Contradiction, same } from './rounding.js'

export const areSame = (a: Counts, b: Counts) =>
  Object.entries(a).every(([name, requests]) => (b[name as keyof Counts] ?? 0) === requests)

export const tooManyGood = ({ good = 0, completed }: Counts) => good > completed

/** A contradiction between good requests, of all or of a class, and the counts that they are computed from. */
export function contradictionInGoodput(
  goodput: Goodput | undefined,
  counts: Counts,
  at: string,
  seconds: number,
): Contradiction | null {
  if (tooManyGood(counts)) return [`${at}counts.good`, 'must be at most counts.completed']
  if (goodput === undefined) return null
  const { amount, of } = goodPart(counts)
  if (!same(goodput.fraction, amount / of)) return [`${at}goodput.fraction`, 'must be the fraction of good requests']
  return same(goodput.perSecond, amount / seconds)
    ? null
    : [`${at}goodput.perSecond`, 'must be counts.good divided by the length of the window']
}

/** A contradiction between rates, of all requests or of a class, and the counts that they are computed from. */
export function contradictionInRates(
  { error, rejection }: Result['rates'],
  counts: Counts,
  at: string,
): Contradiction | null {
  if (!same(error, errorsIn(counts) / counts.offered)) {
    return [
      `${at}rates.error`,
      'must be the fraction of offered requests that failed, timed out, or were rejected or left unfinished',
    ]
  }
  return same(rejection, counts.rejected / counts.offered)
    ? null
    : [`${at}rates.rejection`, 'must be the fraction of offered requests that were rejected']
}

import { ScenarioError, show } from '../scenario/error.js'
import { LONGEST_NS, NS_PER_MS, nanoseconds } from '../scenario/units.js'
import { intervalsBetween } from './intervals.js'
import { type Summary, summaryOf, withheld } from './summary.js'
import { Tally } from './tally.js'

/** Counts plain durations in milliseconds, to the nanosecond. */
export function tallyOfValues(values: readonly number[], name: string): Tally {
  if (values.length === 0) throw new ScenarioError(name, 'must hold at least one duration to summarize')
  const tally = new Tally()
  values.forEach((value, i) => {
    if (typeof value !== 'number' || !(value >= 0) || value * NS_PER_MS >= LONGEST_NS) {
      throw new ScenarioError(`${name}[${i}]`, `must be a duration of 0 or more in milliseconds, got ${show(value)}`)
    }
    tally.record(nanoseconds(value))
  })
  return tally
}

/**
 * Makes a summary of plain durations in milliseconds, kept to the nanosecond.
 *
 * @throws ScenarioError where there are none, or one is not a number of 0 or more
 */
export function summarize(values: readonly number[]): Summary {
  const few = withheld('plain numbers do not say whether they are independent')
  return summaryOf(tallyOfValues(values, 'values'), few)
}

/**
 * Makes one summary of several runs of the same thing, each a list of durations in milliseconds: its 95 % intervals come
 * from how far the runs differ, whatever durations within a run have to do with one another.
 *
 * @throws ScenarioError where there is no run, one is empty, or holds what is no duration
 */
export function summarizeRuns(runs: readonly (readonly number[])[]): Summary {
  if (runs.length === 0) throw new ScenarioError('runs', 'must hold at least one run')
  const tallies = runs.map((values, i) => tallyOfValues(values, `runs[${i}]`))
  const total = new Tally()
  for (const tally of tallies) total.add(tally)
  return summaryOf(total, intervalsBetween(tallies))
}

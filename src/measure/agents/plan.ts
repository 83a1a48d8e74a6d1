import { type FileRow, readRows } from '../../files/rows.js'
import { meanRate } from '../../scenario/arrivals/arrivals.js'
import { NS_PER_SECOND } from '../../scenario/nanoseconds.js'
import { type ResolvedScenario, resolveScenario, type Scenario } from '../../scenario/scenario.js'
import { extentNs } from '../../scenario/stop.js'
import type { Targets } from '../../scenario/target.js'
import { MOST_REQUESTS } from '../../scenario/units.js'
import { count as countText } from '../../text/number.js'
import { isBytes, isPlain } from '../../validation/realm.js'
import { ValidationError } from '../../validation/validation-error.js'
import { checkMeasurable, checkShard } from '../measurable.js'
import type { MeasureOptions } from '../options.js'
import { loadRequests } from '../run.js'
import type { RunPlan } from './protocol.js'

/** The largest plan, in characters: each agent loads all of it. */
const LONGEST_PLAN = 100_000_000

/**
 * Makes the plan of a run on agents, as JSON, with the rows of its files. All of it is checked as each agent would.
 *
 * @throws ValidationError if the scenario cannot be measured, divided or sent
 */
export async function planRun(scenario: Scenario, options: MeasureOptions, count: number): Promise<string> {
  const { handler, call, http } = scenario as Targets
  if (http === undefined || handler !== undefined || call !== undefined) {
    throw new ValidationError(
      'agents',
      'send http scenarios only; measure handlers and calls on each machine with shard',
    )
  }
  if (options.shard !== undefined) {
    throw new ValidationError(
      'options.shard',
      'cannot be combined with agents, which divide the run into shards themselves',
    )
  }
  const resolved = checkMeasurable(resolveScenario(scenario, 'measure'))
  checkShard(resolved, { index: 1, count })
  checkLength(resolved)
  refuseCode(resolved)
  const files: Record<string, FileRow[]> = {}
  await loadRequests(resolved, async (file) => {
    files[file] = await readRows(file)
    return files[file]
  })
  const { idle, spin, batchTimeout, setupTimeout } = options
  const plan: RunPlan = { scenario: resolved as Scenario, options: { idle, spin, batchTimeout, setupTimeout }, files }
  const text = JSON.stringify(plan)
  if (text.length <= LONGEST_PLAN) return text
  throw new ValidationError(
    'agents',
    `cannot take a scenario of ${Math.ceil(text.length / 1e6)} MB, including files; the limit is ${LONGEST_PLAN / 1e6} MB: shorten the lists and files, or use shards`,
  )
}

/** Refuses a run with more requests than a merged Result can count. */
function checkLength({ arrivals, stop }: ResolvedScenario): void {
  if ('atMost' in stop) return
  const { requests, ns } = extentNs(stop)
  const expected = Math.min(requests, ((meanRate(arrivals) ?? 0) * ns) / NS_PER_SECOND || 0)
  if (expected <= MOST_REQUESTS) return
  throw new ValidationError(
    'stop',
    `must be shorter: it makes ${countText(Math.round(expected))} requests, and a Result counts up to ${countText(MOST_REQUESTS)}`,
  )
}

/** Agents run on other machines: they have the data of a scenario, and none of its functions. */
function refuseCode(scenario: ResolvedScenario): void {
  for (const [field, value] of Object.entries(scenario.http ?? {})) {
    const found = findCode(value, `http.${field}`)
    if (found === null) continue
    const [path, what] = found
    throw new ValidationError(path, `must be plain data for agents, which run on other machines, got ${what}`)
  }
}

/** Finds what JSON cannot hold: its path, and what it is. */
function findCode(value: unknown, path: string): [path: string, what: string] | null {
  if (typeof value === 'function') return [path, 'a function']
  if (typeof value !== 'object' || value === null) return null
  if (isBytes(value)) return [path, 'bytes']
  if (!Array.isArray(value) && !isPlain(value)) return [path, `an object of class ${value.constructor?.name}`]
  for (const [key, each] of Object.entries(value)) {
    const found = findCode(each, `${path}.${key}`)
    if (found !== null) return found
  }
  return null
}

import { z } from 'zod'
import type { BudgetCheck, Verdict } from '../../budget/check.js'
import { real } from '../../clock/real.js'
import { onAbort } from '../../handler/on-abort.js'
import { nothingCompleted } from '../../measure/error.js'
import { type MeasureOptions, sharedOptions } from '../../measure/options.js'
import { type Result, resultOf } from '../../result/result.js'
import { type Budget, checkBudgetClasses, parseBudget, requireEvents } from '../../scenario/budget.js'
import { namesOfClasses } from '../../scenario/classes.js'
import { type ResolvedScenario, requireGood, resolveScenario, type Scenario } from '../../scenario/scenario.js'
import { mayHaveEvents } from '../../scenario/target.js'
import { abortSignal, type Duration, options, positiveDuration } from '../../scenario/units.js'
import { throwIfAborted } from '../../validation/realm.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { ProgressReports } from '../progress.js'
import { judgeLoad, type LoadVerdict, requestsNeeded } from './judge-load.js'
import {
  bracketOf,
  isConfirmed,
  isFound,
  isRefuted,
  type LoadCause,
  lastAtEachLoad,
  type NextRun,
  nextRun,
  type RunKind,
  type SearchLimits,
} from './search.js'

/** A load that was run, and the verdict on it. */
export interface TriedLoad {
  /** the `rate` of the arrivals, requests a second */
  rate: number
  /**
   * `probe` and `search` runs stop as soon as their verdict is clear; a `confirm` run is long, and runs to its end
   */
  kind: RunKind
  /** how long the run could be, warm-up included */
  lengthMs: number
  /** the window of the run, without its warm-up; null if no request completed */
  windowMs: number | null
  /** an invalid run is never a pass */
  verdict: Verdict
  /**
   * why it did not pass: `budget`, `saturation`, `errors`, `machine` (this machine may be the cause, or the run is
   * invalid), or `too-short`; null if it passed
   */
  cause: LoadCause | null
  /** the cause in words; null if it passed */
  reason: string | null
  /** null if no request completed, or the load is not judged by a budget */
  check: BudgetCheck | null
}

/** The highest load that a target was shown to sustain within a budget. */
export interface MeasuredCapacity {
  /** the highest load that passed, with none below it that did not; null if there is none */
  rate: number | null
  /** the lowest load that failed; the limit lies between the two. Null if none failed */
  failed: number | null
  /** the lowest load above `rate` that did not pass, and so ended the search; null if every load passed */
  limit: TriedLoad | null
  /**
   * `found`: `rate` passed a long run, and `limit` is within 5 % of it, or no load passed down to a 64th of the first; `time`: `atMost` was over before; `stopped`:
   * `onProgress` ended it
   */
  ended: 'found' | 'time' | 'stopped'
  /** whether the load passed a long run, and not only a short one */
  confirmed: boolean
  /** the loads, in the order in which they were run */
  tried: TriedLoad[]
  /** the last run at `rate`; null if there is none */
  result: Result | null
}

/** The progress of `measureCapacity`. */
export interface MeasureCapacityProgress {
  /** the load that runs now */
  rate: number
  /** completed runs */
  runs: number
  /** the part of `atMost` that is over, from 0 to 1 */
  fraction: number
}

/** Options of `measureCapacity`. */
export interface MeasureCapacityOptions
  extends Pick<MeasureOptions, 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'> {
  /**
   * The time of all runs together. A run is as long as its verdict needs, from a sixtieth to four tenths of it.
   *
   * @default '60s'
   */
  atMost?: Duration | undefined
  /**
   * Stops the search; `measureCapacity` rejects with the signal's reason.
   *
   * @default none
   */
  signal?: AbortSignal | undefined
  /**
   * Called about ten times a second. Return false to stop early; the best load so far is returned.
   *
   * @default none
   */
  onProgress?: ((progress: MeasureCapacityProgress) => unknown) | undefined
}

/** The options of every search of a load. */
export const searchOptions = {
  atMost: positiveDuration.default(60_000),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<MeasureCapacityOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
  ...sharedOptions,
}

const schema = options(searchOptions)

/**
 * Finds the highest load at which a target keeps a budget, by measuring one load after another on the real clock: it
 * doubles the rate until the budget breaks, continues between, and runs the highest load that passed once more, for longer.
 * The search begins at the rate of the arrivals. Its runs replace `stop` and `warmup`. A run is judged by `checkBudget`;
 * an inconclusive or invalid run is not a pass.
 *
 * Latency counts from the due time, so a load above what the target sustains breaks a limit as soon as the backlog is as
 * long as the limit. An excess of less than the limit divided by the length of the run may not show: with a limit of
 * 200 ms and a long run of 12 s, 2 %.
 *
 * @param scenario its arrivals must have a `rate`, and it needs a target: `handler`, `call` or `http`
 * @param budget limits that a higher load breaks: `{ p99: '200ms', errorRate: '< 1%' }`
 * @throws ValidationError if the scenario, the budget or an option is invalid
 * @throws MeasureError if the target cannot run, or no request of the first run completes
 * @example
 * const found = await measureCapacity(
 *   { arrivals: '100/s', call: async () => {} },
 *   { p99: '50ms' },
 *   { atMost: '3s' },
 * )
 * console.log(found.rate, found.limit?.cause)
 */
export async function measureCapacity(
  scenario: Scenario,
  budget: Budget,
  given: MeasureCapacityOptions = {},
): Promise<MeasuredCapacity> {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { atMost, signal, onProgress, ...measuring } = parsed.data
  const limits = parseBudget(budget)
  const requests = requestsNeeded(limits)
  const resolved = resolveLoad(scenario, {})
  checkBudgetOf(limits, resolved)
  const { arrivals } = resolved
  if (!('rate' in arrivals)) {
    throw new ValidationError('arrivals', `must be a process with a rate to search; ${arrivals.process} has none`)
  }
  const measureLoad = loadMeasurer(scenario, arrivals, (run) => extentsOf(run, limits), measuring)
  return findCapacity(measureLoad, {
    ...{ from: arrivals.rate, requests, atMostMs: atMost, signal, onProgress },
    judge: (result) => judgeLoad(result, limits),
    now: real.now,
  })
}

/**
 * Makes a function that measures a scenario at a load.
 *
 * @param arrivals the process of its arrivals, whose rate is the load
 * @param extents the length and the warm-up of a run
 */
export function loadMeasurer(
  scenario: Scenario,
  arrivals: object,
  extents: (run: NextRun) => Pick<Scenario, 'stop' | 'warmup'>,
  measuring: Pick<MeasureOptions, 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'>,
): MeasureLoad {
  return async (run, control) => {
    const { runMeasurement } = await import('../../measure/run.js')
    const changes = { arrivals: { ...arrivals, rate: run.rate }, ...extents(run) }
    const load = resolveLoad(scenario, changes as Partial<Scenario>)
    const { recording, environment, host, failure } = await runMeasurement(load, { ...measuring, ...control })
    const { counts } = recording
    if (counts.completed > 0) return resultOf(recording, environment, host)
    return { error: nothingCompleted(load, counts, failure), offered: counts.offered }
  }
}

/** The start of a short run, in which connections open and code warms up: half of the time to its first checkpoint. */
const WARMUP_MS = 250

/** The length and the warm-up of a run. All but long runs stop as soon as their verdict is clear. */
export function extentsOf({ kind, lengthMs }: NextRun, budget: Budget): Pick<Scenario, 'stop' | 'warmup'> {
  if (kind === 'confirm') return { stop: { duration: lengthMs }, warmup: { duration: lengthMs / 10 } }
  return {
    stop: { budget, atMost: { duration: lengthMs } },
    warmup: { duration: Math.min(WARMUP_MS, lengthMs / 4) },
  }
}

function resolveLoad(scenario: Scenario, changes: Partial<Scenario>): ResolvedScenario {
  const { stop: _stop, warmup: _warmup, ...rest } = scenario
  return resolveScenario({ ...rest, ...changes } as Scenario, 'measure')
}

function checkBudgetOf(budget: Budget, scenario: ResolvedScenario): void {
  requireGood(budget, scenario.good, 'budget')
  requireEvents(budget, mayHaveEvents(scenario), 'budget')
  // requests of a file are read before they are sent
  if (scenario.http?.requests === undefined) checkBudgetClasses(budget, namesOfClasses(scenario.classes), 'budget')
}

/** Measures one load; an error if no request completed. */
export type MeasureLoad = (
  run: NextRun,
  control: { signal: AbortSignal; onProgress: () => boolean },
) => Promise<Result | { error: Error; offered: number }>

interface CapacitySearchSetup extends SearchLimits {
  judge: (result: Result) => LoadVerdict
  signal?: AbortSignal | undefined
  onProgress?: MeasureCapacityOptions['onProgress']
  /** milliseconds, from any time on */
  now: () => number
}

/** Searches with any function that measures a load. */
export async function findCapacity(measureLoad: MeasureLoad, search: CapacitySearchSetup): Promise<MeasuredCapacity> {
  const { judge, atMostMs, signal, onProgress, now } = search
  const startMs = now()
  const progress = new ProgressReports(onProgress)
  const tried: TriedLoad[] = []
  const results = new Map<number, Result>()
  let ended: MeasuredCapacity['ended'] | null = null
  // ends the run that is under way, which is then not counted
  const ending = new AbortController()
  const end = (by: MeasuredCapacity['ended']) => {
    ended ??= by
    ending.abort(new Ended())
  }
  const timer = real.setTimeout(() => end('time'), atMostMs)
  const removeListener = signal && onAbort(signal, () => ending.abort(signal.reason))
  try {
    throwIfAborted(signal)
    for (;;) {
      const elapsedMs = now() - startMs
      const run = nextRun(tried, search, elapsedMs)
      if (run === null) break
      const report = () => {
        const fraction = Math.min(1, (now() - startMs) / atMostMs)
        if (!progress.report(() => ({ rate: run.rate, runs: tried.length, fraction }))) end('stopped')
        return true
      }
      report()
      if (ended !== null) break
      const measured = await measureLoad(run, { signal: ending.signal, onProgress: report })
      if ('error' in measured) {
        // every request of the first load failed: that is no limit, but a wrong address
        if (tried.length === 0 && measured.offered > 0) throw measured.error
        tried.push(notCompleted(run, measured))
        continue
      }
      const { verdict, cause, reason, check } = judge(measured)
      tried.push({ ...run, windowMs: measured.window.endMs - measured.window.startMs, verdict, cause, reason, check })
      if (verdict === 'pass') results.set(run.rate, measured)
    }
  } catch (error) {
    throwIfAborted(signal)
    if (ended === null) throw error
  } finally {
    real.clearTimeout(timer)
    removeListener?.()
  }
  progress.throwFault()
  return conclude(tried, results, search, ended)
}

class Ended extends Error {}

function notCompleted(run: NextRun, { error, offered }: { error: Error; offered: number }): TriedLoad {
  const isEmpty = offered === 0
  const verdict = isEmpty ? 'inconclusive' : 'fail'
  return {
    ...run,
    ...{ windowMs: null, verdict, cause: isEmpty ? 'too-short' : 'errors', reason: error.message, check: null },
  }
}

function conclude(
  tried: TriedLoad[],
  results: Map<number, Result>,
  search: SearchLimits,
  ended: MeasuredCapacity['ended'] | null,
): MeasuredCapacity {
  const bracket = bracketOf(tried)
  const { high } = bracket
  // of several runs at a load, the last counts; its low end may have had no clear verdict
  const last = lastAtEachLoad(tried)
  const counts = (each: TriedLoad) => (isRefuted(tried) ? isConfirmed(each, search.atMostMs) : each.cause === null)
  const passed = last.filter((each) => counts(each) && (high === null || each.rate < high.rate))
  const best = passed.reduce<TriedLoad | null>((a, b) => (a === null || b.rate > a.rate ? b : a), null)
  const failed = last.filter(({ verdict }) => verdict === 'fail').map(({ rate }) => rate)
  return {
    rate: best?.rate ?? null,
    failed: failed.length === 0 ? null : Math.min(...failed),
    limit: high,
    ended: ended ?? (isFound(bracket, search) ? 'found' : 'time'),
    confirmed: best !== null && isConfirmed(best, search.atMostMs),
    tried,
    result: best === null ? null : (results.get(best.rate) ?? null),
  }
}

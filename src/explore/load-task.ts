import { type BudgetCheck, judgeResult } from '../budget/check.js'
import { percentileNs } from '../histogram/percentile.js'
import { findingsOf } from '../result/findings.js'
import { errorsIn, type Recording } from '../result/recording.js'
import { type Result, resultOf } from '../result/result.js'
import { nanoseconds } from '../scenario/nanoseconds.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { Engine } from '../simulate/engine.js'
import { catchRefusal, type Refused, type TaskContext, unlessStopped } from '../threads/pool.js'

/** A load to be tried: the scenario at it, and the limit on p99 in milliseconds. */
export interface LoadTask {
  scenario: SimulatedScenario
  p99: number
}

/** What a run showed of a load. */
export interface LoadTrial {
  /** null if the run is far beyond the limit */
  check: BudgetCheck | null
  /** null unless the check passes */
  result: Result | null
}

/** @param shouldContinue called every 65,536 requests; false ends the run, whose trial is then incomplete */
export function runLoad({ scenario, p99 }: LoadTask, shouldContinue?: () => boolean): LoadTrial {
  const recording = new Engine(scenario).run(shouldContinue)
  if (!mayPass(recording, nanoseconds(p99))) return { check: null, result: null }
  const result = resultOf(recording)
  const check = judgeResult(result, { p99 })
  return { check, result: check.verdict === 'pass' ? result : null }
}

/** The task that tries a load on an agent. */
export function tryLoad({ stopFlag, ...task }: LoadTask & TaskContext): LoadTrial | Refused {
  return catchRefusal(() => runLoad(task, unlessStopped(stopFlag)))
}

/** Whether a budget check can pass. Its intervals take as long as the run, so exclude clear failures first. */
const mayPass = (recording: Recording, limitNs: number) =>
  errorsIn(recording.counts) === 0 &&
  percentileNs(recording.histograms.latency, 99) <= limitNs &&
  findingsOf(recording).every(({ severity }) => severity !== 'error')

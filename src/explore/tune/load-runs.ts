import type { Verdict } from '../../budget/check.js'
import { real } from '../../clock/real.js'
import type { Result } from '../../result/result.js'
import { type Arrivals, meanRate } from '../../scenario/arrivals/arrivals.js'
import type { Budget } from '../../scenario/budget.js'
import type { SimulatedScenario } from '../../scenario/scenario.js'
import { plannedRequests } from '../../scenario/stop.js'
import { rate } from '../../text/number.js'
import { type Refused, type TaskKind, throwIfRefused } from '../../threads/pool.js'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'
import { throwIfAborted } from '../../validation/realm.js'
import type { AgentPool } from '../agents/agent-pool.js'
import { MOST_AHEAD } from '../bisect.js'
import { ProgressReports, unlessEnded } from '../progress.js'
import type { SimulateReport, SimulateTask } from '../simulate-task.js'
import { SIMULATE, TRY_SETTING } from '../tasks.js'
import { judgeRun, judgeTrial, runTrial, type Trial, type TrialTask, WORTH_THREADS } from './trial.js'

/** Thrown if `onProgress` ends the runs. */
export class LoadRunsEnded extends Error {}

/** What may end the runs. */
export interface LoadRunsControl {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { runs: number }) => unknown) | undefined
}

/** Runs of a scenario at other loads, each a factor of its own load: in this thread, on threads if they may be ended, or on agents. */
export class LoadRuns {
  readonly #scenario: SimulatedScenario
  readonly #budget: Budget
  readonly #control: LoadRunsControl
  readonly #agents: AgentPool | null
  readonly #progress: ProgressReports<{ runs: number }>
  /** a run on this thread could not be ended */
  readonly #onThreads: boolean
  /** one thread, for trials and verdicts */
  #pool: Awaited<ReturnType<typeof startPool>> | null = null
  readonly #verdicts = new Map<number, Verdict>()
  #runs = 0

  constructor(scenario: SimulatedScenario, budget: Budget, control: LoadRunsControl, agents: AgentPool | null) {
    this.#scenario = scenario
    this.#budget = budget
    this.#control = control
    this.#agents = agents
    this.#progress = new ProgressReports(control.onProgress)
    this.#onThreads = plannedRequests(scenario) >= WORTH_THREADS && (control.signal ?? control.onProgress) !== undefined
  }

  /** How many loads to run at a time. */
  async atOnce(): Promise<number> {
    return this.#agents === null ? 1 : Math.min(MOST_AHEAD, await this.#agents.threads(this.#control.signal))
  }

  /** The observed figures at these loads. */
  async trials(factors: number[]): Promise<Trial[]> {
    if (this.#agents === null) return this.#inThisProcess(factors, runTrial, 'trySetting')
    const tasks = factors.map((factor): TrialTask => ({ scenario: this.#at(factor), budget: this.#budget }))
    return this.#onAgents<Trial>(this.#agents, TRY_SETTING, tasks, factors)
  }

  /** The verdicts at these loads; each load is judged once. */
  async verdicts(factors: number[]): Promise<Verdict[]> {
    const unknown = factors.filter((factor) => !this.#verdicts.has(factor))
    const judged = await this.#judge(unknown)
    judged.forEach((verdict, i) => void this.#verdicts.set(unknown[i] as number, verdict))
    return factors.map((factor) => this.#verdicts.get(factor) as Verdict)
  }

  async close(): Promise<void> {
    await this.#pool?.destroy()
  }

  async #judge(factors: number[]): Promise<Verdict[]> {
    if (this.#agents === null) {
      return (await this.#inThisProcess(factors, judgeRun, 'judgeOnThread')).map(({ verdict }) => verdict)
    }
    const tasks = factors.map((factor): SimulateTask => ({ scenario: this.#at(factor) }))
    const reports = await this.#onAgents<SimulateReport>(this.#agents, SIMULATE, tasks, factors)
    return reports.map(({ result }) => judgeTrial(result as Result, this.#budget))
  }

  #at(factor: number): SimulatedScenario {
    return { ...this.#scenario, arrivals: scaleRates(this.#scenario.arrivals, factor) }
  }

  readonly #continue = (): void => {
    throwIfAborted(this.#control.signal)
    if (!this.#progress.report(() => ({ runs: this.#runs }))) throw new LoadRunsEnded()
  }

  async #inThisProcess<Found extends object>(
    factors: number[],
    run: (task: TrialTask) => Found,
    name: string,
  ): Promise<Found[]> {
    const found: Found[] = []
    for (const factor of factors) {
      throwIfAborted(this.#control.signal)
      const scenario = this.#at(factor)
      const task = { scenario, budget: this.#budget }
      found.push(this.#onThreads ? await this.#onThread<Found>(task, name) : run(task))
      this.#runs++
      this.#continue()
      // notice an abort between runs
      await new Promise((resolve) => real.setImmediate(resolve))
    }
    return found
  }

  /** @param name the task that the thread runs: an export of `trial.ts` */
  async #onThread<Found extends object>({ scenario, budget }: TrialTask, name: string): Promise<Found> {
    // what only a measurement runs cannot be sent to a thread
    const { handler: _handler, call: _call, http: _http, ...parts } = scenario
    const task = { scenario: parts, budget }
    this.#pool ??= await startPool(1)
    const pool = this.#pool
    const run = (signal: AbortSignal) =>
      pool.run(taskOf(TRY_SETTING.file, name, task), { ...ENTRY, signal }) as Promise<Found | Refused>
    return throwIfRefused(await unlessEnded(this.#continue, run))
  }

  async #onAgents<Report extends object>(
    pool: AgentPool,
    kind: TaskKind,
    tasks: object[],
    factors: number[],
  ): Promise<Report[]> {
    const offered = meanRate(this.#scenario.arrivals) as number
    const reports = await pool.run<object, Report>(kind, tasks, {
      signal: this.#control.signal,
      // ends the runs by what it throws
      onProgress: this.#control.onProgress && this.#continue,
      describe: (i) => `the run at ${rate((factors[i] as number) * offered)}`,
    })
    this.#runs += reports.length
    this.#continue()
    return reports
  }
}

/** Multiplies the rate of arrivals by a factor. */
function scaleRates(arrivals: Arrivals, factor: number): Arrivals {
  if ('rate' in arrivals) return { ...arrivals, rate: arrivals.rate * factor }
  if (arrivals.process === 'replay') return { ...arrivals, speed: (arrivals.speed ?? 1) * factor }
  if (arrivals.process !== 'stages') return arrivals
  const { from, stages } = arrivals
  return {
    ...arrivals,
    ...(from !== undefined && { from: from * factor }),
    stages: stages.map((stage) => ({ ...stage, rate: stage.rate * factor })),
  }
}

import { checkBudget } from '../../budget/check.js'
import { real } from '../../clock/real.js'
import { cores } from '../../machine/cores.js'
import { costOfRun } from '../../result/cost.js'
import type { Result } from '../../result/result.js'
import { endsByItself, isStationary, meanRate } from '../../scenario/arrivals/arrivals.js'
import { checkBudgetClasses, refuseResponseTimes, rulesOf } from '../../scenario/budget.js'
import { namesOfClasses } from '../../scenario/classes.js'
import {
  noGood,
  requireGood,
  resolveScenario,
  type Scenario,
  type ScenarioParts,
  type SimulatedScenario,
} from '../../scenario/scenario.js'
import { type Extent, plannedRequests, refuseCheckpoints } from '../../scenario/stop.js'
import type { Targets } from '../../scenario/target.js'
import { sumBy } from '../../statistics/descriptive.js'
import { time } from '../../text/number.js'
import { catchRefusal, type Refused } from '../../threads/pool.js'
import { startThread, type Thread } from '../../threads/thread.js'
import { throwIfAborted } from '../../validation/realm.js'
import { ValidationError } from '../../validation/validation-error.js'
import { AgentPool } from '../agents/agent-pool.js'
import { ProgressReports, unlessEnded } from '../progress.js'
import { simulateAll } from '../simulate-all.js'
import { TRY_SETTING } from '../tasks.js'
import { type Contender, contenderOf, contendersOf } from './candidates.js'
import { findHeadroom, type Headroom } from './headroom.js'
import { parseTuneOptions, type ResolvedTuneOptions, type TuneOptions, type TuneProgress } from './options.js'
import { frontOf, preferenceOf } from './preference.js'
import { findNearestMiss, outcomeOf, recommend } from './recommendation.js'
import { CandidateSearch, costOfServers, gridSize, keeps, type Setting, type Space, type Tried } from './search.js'
import { longer, runTrial, type Trial, type TrialTask, WORTH_THREADS } from './trial.js'
import { type Recommended, settingOf, type Tuned, type TunedCandidate } from './tuned.js'

/** Runs of the search are short, and a longer one confirms what they find. */
const SEARCH: Extent = { requests: 100_000 }

/**
 * Searches the best setting: a candidate, a number of servers, a batch size and a wait. The setting must keep the budget.
 * Among those that do, the wishes choose; without wishes, the best quality, then the lowest cost, then the lowest p99. All
 * settings are simulated over the same requests. The recommended one passed `checkBudget` in a run ten times as long, with
 * other requests.
 *
 * The search runs a small fraction of all settings. It excludes servers that cannot sustain the load, and candidates that no
 * batching can make fast or cheap enough, from their service alone; then it bisects the number of servers and climbs over
 * batching. Around what it prefers it tries every wait.
 *
 * @throws ValidationError if the scenario cannot be simulated, or an option is invalid; MeasureError if a handler fails
 * @example
 * const { best, sentence } = await tune(
 *   { arrivals: '400/s', service: affine({ base: '7.5ms', perItem: '0.25ms' }) },
 *   { budget: { p99: '40ms' } },
 * )
 * best?.servers // 1
 */
export async function tune(scenario: Scenario, given: TuneOptions): Promise<Tuned> {
  const options = parseTuneOptions(given)
  // rejects a value that is not a scenario
  if (typeof scenario !== 'object' || scenario === null) resolveScenario(scenario, 'simulate')
  return new Tuning(scenario, options).run()
}

/** The search was ended before it was done. */
class SearchEnded extends Error {
  readonly by: 'atMost' | 'onProgress'

  constructor(by: 'atMost' | 'onProgress') {
    super(by)
    this.by = by
  }
}

class Tuning {
  readonly #scenario: Scenario
  readonly #options: ResolvedTuneOptions
  readonly #prefers: ReturnType<typeof preferenceOf>
  readonly #progress: ProgressReports<TuneProgress>
  readonly #deadline: number
  readonly #searches: CandidateSearch[] = []
  readonly #explored = new Set<CandidateSearch>()
  #searching: CandidateSearch | null = null
  /** the name of the candidate whose handler is being calibrated */
  #calibrated: string | null = null
  #ended: 'atMost' | 'onProgress' | null = null
  #runs = 0
  #confirmations = 0
  #threads: Thread<TrialTask, Trial | Refused> | null = null
  readonly #agents: AgentPool | null

  constructor(scenario: Scenario, options: ResolvedTuneOptions) {
    this.#scenario = {
      ...scenario,
      stop: scenario.stop ?? (endsByItself(scenario.arrivals) ? undefined : SEARCH),
    } as Scenario
    this.#options = options
    this.#agents = options.on === undefined ? null : new AgentPool(options.on)
    this.#prefers = preferenceOf(options.wishes)
    this.#progress = new ProgressReports(options.onProgress)
    this.#deadline = options.atMost === undefined ? Number.POSITIVE_INFINITY : real.now() + options.atMost
  }

  async run(): Promise<Tuned> {
    const { signal } = this.#options
    throwIfAborted(signal)
    // reject an invalid scenario before anything is calibrated
    const { arrivals, classes, queue, stop, good } = resolveScenario(scenarioWith(this.#scenario, '1ms'), 'simulate')
    const own = Object.entries(classes ?? {}).find(([, { service }]) => service !== undefined)
    if (own !== undefined) {
      throw new ValidationError(
        `classes.${own[0]}.service`,
        'cannot be tuned: settings are tried with one service for all requests; use sweep',
      )
    }
    refuseResponseTimes(this.#options.budget, 'budget')
    checkBudgetClasses(this.#options.budget, namesOfClasses(classes), 'budget')
    refuseCheckpoints(stop, 'settings are compared over runs of one length')
    requireGood(this.#options.budget, good, 'tune.budget')
    if (good === undefined && this.#options.wishes?.goodput !== undefined) throw noGood('tune.wishes.goodput')
    const { leastServers, mostServers, mostCost = Number.POSITIVE_INFINITY, maxWait, budget } = this.#options
    const space: Space = {
      ...{ leastServers, mostServers, mostCost },
      waits: [...new Set(maxWait)].sort((a, b) => a - b),
      offered: meanRate(arrivals) ?? 0,
      sheds: queue.capacity !== null || queue.timeout !== null,
      waitingHelps: rulesOf(budget).some(({ metric, relation }) => relation.startsWith('>') && metric !== 'throughput'),
    }
    const found = await this.#unlessEnded(() => this.#contenders())
    const contenders = found ?? []
    const inOrder = contenders
      .map((contender) => new CandidateSearch(contender, space, (settings) => this.#runEach(settings), this.#prefers))
      .sort((a, b) => qualityOf(b) - qualityOf(a) || leastCost(a) - leastCost(b))
    this.#searches.push(...inOrder)
    try {
      const best = await this.#search()
      const chosen = best?.tried ?? null
      const complete = found !== null && this.#explored.size === this.#searches.length
      const nearest = await this.#unlessEnded(() =>
        findNearestMiss(
          chosen,
          contenders.map(this.#searchOf),
          space,
          (setting) => this.#runEach(setting),
          this.#options.budget,
        ),
      )
      return {
        schema: 'throughline/tuned@1',
        budget: this.#options.budget,
        best: best?.recommended ?? null,
        sentence: recommend(
          chosen,
          best?.recommended.result ?? null,
          this.#searches,
          complete,
          this.#options,
          this.#ended,
        ),
        nearest,
        front: frontOf(this.#fronts()).map(settingOf),
        candidates: contenders.map((contender) => this.#candidateOf(contender)),
        settings: this.#searches.flatMap(({ tried }) => tried).map(settingOf),
        runs: this.#runs,
        confirmations: this.#confirmations,
        grid: sumBy(contenders, (contender) => gridSize(contender, space)),
        interrupted: this.#ended,
        unsearched: found === null ? ['everything: handlers were still being calibrated'] : this.#unsearched(),
      }
    } finally {
      await Promise.all([this.#threads?.destroy(), this.#agents?.close()])
    }
  }

  readonly #searchOf = (contender: Contender): CandidateSearch =>
    this.#searches.find((search) => search.contender === contender) as CandidateSearch

  async #contenders(): Promise<Contender[]> {
    const { candidates, maxBatchSize, price, calibrateAt = { utilization: 0.7 } } = this.#options
    // a calibration may take as long as its handler hangs
    return unlessEnded(
      () => this.#continue(),
      async (ending, check) => {
        const options = {
          sizes: maxBatchSize && [...new Set(maxBatchSize)].sort((a, b) => a - b),
          ...{ price, calibrateAt, signal: ending },
          onCalibrate: (candidate: string | null) => {
            this.#calibrated = candidate
            check()
          },
        }
        return candidates === undefined
          ? [await contenderOf(this.#scenario, options)]
          : contendersOf(this.#scenario, candidates, options)
      },
    ).finally(() => {
      this.#calibrated = null
    })
  }

  /** Explores the candidates, and confirms what is preferred of what they offer, until something is confirmed. */
  async #search(): Promise<{ tried: Tried; recommended: Recommended } | null> {
    for (;;) {
      await this.#unlessEnded(() => this.#exploreAll())
      const tried = this.#preferred
      if (tried === null) return null
      const setting = settingOf(tried)
      const unconfirmed = { ...setting, confirmed: false, isLonger: false, result: null, check: null, headroom: null }
      // a search that ran out of time still confirms what it found; one that was called off does not
      if (this.#ended === 'onProgress') return { tried, recommended: unconfirmed }
      const scenario = this.#scenarioOf(tried)
      const confirming = await this.#confirm(scenario)
      if (confirming === null) return { tried, recommended: unconfirmed }
      const { result, isLonger } = confirming
      this.#confirmations++
      const check = checkBudget(result, this.#options.budget)
      if (check.verdict !== 'pass') {
        this.#searchOf(tried.contender).refute(tried)
        this.#explored.clear()
        continue
      }
      const { price } = tried.contender
      const cost = costOfRun(
        {
          servers: tried.servers,
          utilization: result.utilization,
          completedPerSecond: result.throughput.completed,
        },
        price ?? undefined,
      )
      const room = await this.#headroom(scenario)
      return { tried, recommended: { ...setting, cost, confirmed: true, isLonger, result, check, headroom: room } }
    }
  }

  async #exploreAll(): Promise<void> {
    const matters = (atBest: Tried['worth']) => {
      if (this.#options.wishes === undefined) return false
      const preferred = this.#preferred
      return preferred !== null && this.#prefers(atBest, preferred.worth) < 0
    }
    for (const search of this.#searches) {
      if (this.#explored.has(search)) continue
      this.#searching = search
      await search.explore(() => this.#fronts(), matters)
      const preferred = this.#preferred
      if (preferred?.contender === search.contender) await search.refine(preferred)
      this.#explored.add(search)
    }
    this.#searching = null
  }

  /** Does something that runs settings; null if the search ends meanwhile, or has ended. */
  async #unlessEnded<Found>(work: () => Promise<Found>): Promise<Found | null> {
    if (this.#ended !== null) return null
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof SearchEnded)) throw error
      this.#ended = error.by
      return null
    }
  }

  /** The settings that keep the budget and that no other of their candidate beats. */
  #fronts(): Tried[] {
    return this.#searches.flatMap(({ front }) => front)
  }

  /** The better of two settings that keep the budget. */
  #preferredOf(a: Tried | null, b: Tried): Tried {
    if (a === null) return b
    const order = this.#prefers(a.worth, b.worth) || a.maxBatchSize - b.maxBatchSize || a.maxWait - b.maxWait
    return order <= 0 ? a : b
  }

  /** The best setting so far of those that keep the budget. */
  get #preferred(): Tried | null {
    return this.#searches.reduce<Tried | null>(
      (a, { preferred }) => (preferred === null ? a : this.#preferredOf(a, preferred)),
      null,
    )
  }

  #scenarioOf({ contender, servers, maxBatchSize, maxWait }: Setting): SimulatedScenario {
    const scenario = {
      ...scenarioWith(this.#scenario, contender.service),
      servers,
      batching: { maxBatchSize, maxWait },
    }
    return resolveScenario(scenario, 'simulate')
  }

  async #runEach(settings: Setting[]): Promise<Tried[]> {
    const { budget } = this.#options
    const tasks = settings.map((setting): TrialTask => ({ scenario: this.#scenarioOf(setting), budget }))
    const tried: Tried[] = []
    const done = (trial: Trial, i: number) => {
      const setting = settings[i] as Setting
      const { contender, servers } = setting
      const worth = {
        quality: contender.quality ?? 1,
        cost: costOfServers(contender, servers),
        p99Ms: trial.p99Ms,
        goodput: this.#options.wishes?.goodput === undefined ? 1 : (trial.goodput as number),
      }
      tried[i] = { ...setting, trial, worth }
      this.#runs++
    }
    const threads = await this.#threadsFor(tasks)
    if (threads !== null || this.#agents !== null) {
      this.#continue()
      const reports = await (threads === null
        ? this.#tryOnAgents(tasks, settings)
        : unlessEnded(
            () => this.#continue(),
            (ending) => Promise.all(tasks.map((task) => threads.run(task, ending))),
          ))
      for (const [i, report] of reports.entries()) {
        const { contender } = settings[i] as Setting
        if ('refused' in report) throw refusedOf(contender, report.refused.message)
        done(report, i)
      }
      this.#continue()
      return tried
    }
    for (const [i, task] of tasks.entries()) {
      this.#continue()
      const { contender } = settings[i] as Setting
      const trial = catchRefusal(() => runTrial(task))
      if ('refused' in trial) throw refusedOf(contender, trial.refused.message)
      done(trial, i)
      await new Promise((resolve) => real.setImmediate(resolve))
    }
    return tried
  }

  async #threadsFor(tasks: TrialTask[]): Promise<Thread<TrialTask, Trial | Refused> | null> {
    const [first] = tasks
    if (first === undefined || this.#agents !== null) return null
    const { threads } = this.#options
    const count = threads ?? (plannedRequests(first.scenario) < WORTH_THREADS ? 1 : cores())
    if (count === 1 && (threads !== undefined || plannedRequests(first.scenario) < WORTH_THREADS)) return null
    this.#threads ??= await startThread(TRY_SETTING.file, TRY_SETTING.name, count)
    return this.#threads
  }

  #tryOnAgents(tasks: TrialTask[], settings: Setting[]): Promise<Trial[]> {
    const { run } = this.#agents as AgentPool
    return run<TrialTask, Trial>(TRY_SETTING, tasks, {
      signal: this.#options.signal,
      // ends the runs by what it throws
      onProgress: () => this.#continue(),
      describe: (i) => describeSetting(settings[i] as Setting),
      refusalOf: ({ message }, i) => refusedOf((settings[i] as Setting).contender, message),
    })
  }

  /** Continues, unless the search has to end. */
  #continue(): void {
    throwIfAborted(this.#options.signal)
    if (!this.#reportProgress(this.#searching?.contender.name ?? this.#calibrated)) throw new SearchEnded('onProgress')
    if (real.now() > this.#deadline) throw new SearchEnded('atMost')
  }

  #reportProgress(candidate: string | null): boolean {
    return this.#progress.report(() => {
      const fraction = this.#searches.length === 0 ? 0 : this.#explored.size / this.#searches.length
      const preferred = this.#preferred
      return { runs: this.#runs, fraction, candidate, best: preferred && settingOf(preferred) }
    })
  }

  /**
   * Runs a setting to be judged: ten times as long as in the search, with other requests. Arrivals that end by themselves
   * last no longer; recorded service times may not, and the run of the search is judged then. Null if it was ended.
   */
  async #confirm(scenario: SimulatedScenario): Promise<{ result: Result; isLonger: boolean } | null> {
    try {
      const result = await this.#long(longer(scenario))
      return result && { result, isLonger: isStationary(scenario.arrivals) }
    } catch (error) {
      if (!(error instanceof ValidationError && error.path.startsWith('service'))) throw error
      const result = await this.#long(scenario)
      return result && { result, isLonger: false }
    }
  }

  /** A run that is judged; null if it was ended. */
  async #long(scenario: SimulatedScenario): Promise<Result | null> {
    const { signal, threads, onProgress } = this.#options
    let ended = false
    const shouldContinue = () => {
      ended ||= !this.#reportProgress(null)
      return !ended
    }
    const [result] = await simulateAll([scenario], {
      cache: null,
      // a thread of its own would start for a short run too
      threads: threads === 1 ? 1 : undefined,
      onAgents: this.#agents?.run,
      describe: () => 'the run that confirms a setting',
      signal,
      onProgress: onProgress && shouldContinue,
    })
    if (!ended) return result ?? null
    this.#ended ??= 'onProgress'
    return null
  }

  async #headroom(scenario: SimulatedScenario): Promise<Headroom | null> {
    if (meanRate(scenario.arrivals) === null) return null
    const { signal, budget } = this.#options
    const onProgress = () => this.#reportProgress(null)
    const room = await findHeadroom(scenario, budget, { signal, onProgress }, this.#agents).catch((error) => {
      // recorded service times may not be known at a higher load
      if (error instanceof ValidationError) return undefined
      throw error
    })
    if (room === undefined) return null
    if (room === null) this.#ended ??= 'onProgress'
    return room
  }

  #candidateOf(contender: Contender): TunedCandidate {
    const search = this.#searchOf(contender)
    const { name, quality, price } = contender
    const [cheapest] = frontOf(search.tried.filter(keeps))
    return {
      ...{ name, quality, price },
      cheapest: cheapest === undefined ? null : settingOf(cheapest),
      outcome: outcomeOf(search, this.#options.budget, this.#explored.has(search)),
      runs: search.tried.length,
    }
  }

  #unsearched(): string[] {
    if (this.#ended === null) return []
    return this.#searches
      .filter((search) => !this.#explored.has(search))
      .map(({ contender, tried }) => {
        const most = Math.max(0, ...tried.map(({ servers }) => servers))
        const name = contender.name ?? 'the service'
        return most === 0 ? `${name}: nothing was run` : `${name}: the search ended at ${most} servers`
      })
  }
}

const describeSetting = ({ contender, servers, maxBatchSize, maxWait }: Setting) =>
  `the run of ${contender.name === null ? '' : `${contender.name}, `}servers ${servers}, maxBatchSize ${maxBatchSize}, maxWait ${time(maxWait)}`

/** Names the candidate in the error of a refused run, such as one with too few recorded service times. */
const refusedOf = ({ name }: Contender, message: string) =>
  new ValidationError(name === null ? '' : `tune.candidates.${name}`, message)

const qualityOf = ({ contender }: CandidateSearch) => contender.quality ?? 1
const leastCost = ({ contender, fewestServers }: CandidateSearch) => costOfServers(contender, fewestServers)

/** A scenario with another service, and without what only a measurement runs. */
function scenarioWith(scenario: Scenario, service: NonNullable<Scenario['service']>): Scenario {
  const {
    handler: _handler,
    call: _call,
    http: _http,
    batching: _batching,
    servers: _servers,
    ...parts
  } = scenario as ScenarioParts & Targets
  return { ...parts, service }
}

import { z } from 'zod'
import { type BudgetCheck, checkBudget } from '../../budget/check.js'
import { real } from '../../clock/real.js'
import { onAbort } from '../../handler/on-abort.js'
import { cores } from '../../machine/cores.js'
import { type Cost, costOfRun } from '../../result/cost.js'
import type { Result } from '../../result/result.js'
import { meanRate } from '../../scenario/arrivals/arrivals.js'
import { type Budget, budgetSchema, rulesOf } from '../../scenario/budget.js'
import {
  noGood,
  type ResolvedScenario,
  resolveScenario,
  type Scenario,
  type ScenarioParts,
  type SimulatedScenario,
} from '../../scenario/scenario.js'
import { type Extent, refuseCheckpoints } from '../../scenario/stop.js'
import type { Targets } from '../../scenario/target.js'
import { type Duration, duration, options, positiveDuration, whole } from '../../scenario/units.js'
import type { Refused } from '../../threads/pool.js'
import { startThread, type Thread } from '../../threads/thread.js'
import { abortSignal, throwIfAborted } from '../../validation/realm.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { type CalibrateAt, calibrateAtSchema } from '../calibrate.js'
import { simulateAll } from '../simulate-all.js'
import {
  type Candidate,
  type Contender,
  candidatesSchema,
  contenderOf,
  contendersOf,
  tunePriceSchema,
} from './candidates.js'
import { type Headroom, headroom } from './headroom.js'
import { frontOf, preferenceOf, type Wishes, wishesSchema } from './preference.js'
import { type NearestMiss, nearestMiss, outcomeOf, recommendation } from './recommendation.js'
import { CandidateSearch, costOfServers, gridSize, keeps, type Setting, type Space, type Tried } from './search.js'
import { longer, runTrial, type Trial, type TrialTask } from './trial.js'

export type { Candidate, NearestMiss, Wishes }

export interface TuneOptions {
  /** What every setting has to keep to. */
  budget: Budget
  /**
   * What to choose from, in addition to batching and servers.
   *
   * @default the scenario's own service or handler
   */
  candidates?: Candidate[] | undefined
  /** Of one server for an hour, in any currency, of candidates without a price of their own. */
  price?: number | undefined
  /** What is nice to have, by weight. Default: the best quality, then the lowest cost, then the lowest p99. */
  wishes?: Wishes | undefined
  /** Servers at least, such as 2 for the failure of one. Default 1. */
  leastServers?: number | undefined
  /** How many servers there may be of a candidate. Default 16. */
  mostServers?: number | undefined
  /** What the servers may cost an hour. Default: no limit. */
  mostCost?: number | undefined
  /** The batch sizes to choose from. Default: the powers of two up to 256, as far as a service is known. */
  maxBatchSize?: number[] | undefined
  /** The waits to choose from. Default: 0, 1ms, 2ms, 5ms, 10ms and 20ms. */
  maxWait?: Duration[] | undefined
  /** At which load handlers are calibrated, as of `calibrate`. Default: a utilization of 0.7. */
  calibrateAt?: CalibrateAt | undefined
  /** How long to search; what was not looked at by then is in `unsearched`. Default: no limit. */
  atMost?: Duration | undefined
  /** How many settings are run at a time, on threads. Default: as many as cores, if the runs are long. */
  threads?: number | undefined
  /** Ends the search and its threads; `tune` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Called after each few runs. Returning false ends the search, and `tune` gives the best so far, not confirmed. */
  onProgress?: ((progress: TuneProgress) => unknown) | undefined
}

export interface TuneProgress {
  /** settings that were run */
  runs: number
  /** about how much of the search is done, from 0 to 1 */
  fraction: number
  /** which candidate is searched; null without candidates */
  candidate: string | null
  /** the best setting so far; null if none was found that keeps the budget */
  best: TunedSetting | null
}

/** A setting, and what a short run showed of it. */
export interface TunedSetting {
  /** null without candidates */
  candidate: string | null
  quality: number | null
  servers: number
  batching: { maxBatchSize: number; maxWait: number }
  /** of latency over all requests offered; null if it is that of a request never answered, or there is no steady state */
  p99Ms: number | null
  /** the fraction of good requests; null if the scenario does not say which are good */
  goodput: number | null
  /** the run kept the budget, as observed */
  keepsBudget: boolean
  cost: Cost
}

/** The setting to run. */
export interface Recommended extends TunedSetting {
  /** a longer run with requests of its own passed the budget; false only if the search was ended before */
  confirmed: boolean
  /** of that run; null if it is not confirmed */
  result: Result | null
  check: BudgetCheck | null
  /** by how much the load may grow; null if it is not confirmed, or the arrivals have no rate that can grow */
  headroom: Headroom | null
}

/** What the search found of a candidate. */
export interface TunedCandidate {
  name: string | null
  quality: number | null
  /** of one server for an hour */
  price: number | null
  /** the cheapest of its settings that keep the budget; null if none was found */
  cheapest: TunedSetting | null
  /** what came of it, in a sentence */
  outcome: string
  /** how many of its settings were run */
  runs: number
}

/** What `tune` found: plain data. */
export interface Tuned {
  schema: 'throughline/tuned@1'
  budget: Budget
  /** null if no setting keeps the budget */
  best: Recommended | null
  /** the recommendation and its reason, in a sentence or two */
  sentence: string
  /** what comes nearest to what was wished for, and what it would take; null if there is nothing else */
  nearest: NearestMiss | null
  /**
   * the settings that keep the budget and that no other beats in quality, cost and p99 alike (and in goodput, if there is
   * a wish for it), from the cheapest on
   */
  front: TunedSetting[]
  candidates: TunedCandidate[]
  /** every setting that was run */
  settings: TunedSetting[]
  /** how many runs the search took, and how many settings there are */
  runs: number
  grid: number
  /** what ended the search early; null if nothing did */
  interrupted: 'atMost' | 'onProgress' | null
  /** what was not looked at, if it was ended early */
  unsearched: string[]
}

const schema = options({
  budget: budgetSchema,
  candidates: candidatesSchema.optional(),
  price: tunePriceSchema.optional(),
  wishes: wishesSchema.optional(),
  leastServers: whole(1, 1000).default(1),
  mostServers: whole(1, 1000).default(16),
  mostCost: z.number({ error: 'must be a number above 0' }).gt(0, { error: 'must be a number above 0' }).optional(),
  maxBatchSize: z
    .array(whole(1, 1_000_000), { error: 'must be a list of batch sizes' })
    .min(1, { error: 'must be a list of one or more batch sizes' })
    .optional(),
  maxWait: z
    .array(duration, { error: 'must be a list of durations' })
    .min(1, { error: 'must be a list of one or more durations' })
    .default([0, 1, 2, 5, 10, 20]),
  calibrateAt: calibrateAtSchema.optional(),
  atMost: positiveDuration.optional(),
  threads: whole(1, 256).optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<TuneOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
}).superRefine(({ leastServers, mostServers, mostCost, price, candidates = [] }, context) => {
  const refuse = (path: string, message: string) =>
    context.issues.push({ code: 'custom', message, input: { leastServers, mostServers }, path: [path] })
  if (leastServers > mostServers) refuse('leastServers', `must be at most mostServers, ${mostServers}`)
  const priced = price !== undefined || candidates.some((candidate) => candidate.price !== undefined)
  if (mostCost !== undefined && !priced) refuse('mostCost', 'needs a price, of all candidates or of each')
})

/** Runs of the search are short, and a longer one confirms what they find. */
const SEARCH: Extent = { requests: 100_000 }
/** How often a calibration looks whether the search is to end. */
const PROGRESS_MS = 100
/** From this many requests a run on, threads find the answer sooner than they take to start. */
const WORTH_THREADS = 200_000

/**
 * Searches the setting to run: which candidate, on how many servers, in batches of which size and wait. Every setting
 * must keep the budget; of those that do, the wishes choose, or without wishes the best quality, then the lowest cost,
 * then the lowest p99. All settings are simulated over the same requests. What is recommended has passed the budget in a
 * run ten times as long, with requests of its own, as `checkBudget` judges it.
 *
 * The search needs a small part of the runs that all settings would take: servers that cannot keep up with the load, and
 * candidates that no batching can make fast enough or cheap enough, are left out by what their service says; the rest is
 * bisected by servers and climbed by batching.
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
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'tune', given)
  // refuses what is no scenario
  if (typeof scenario !== 'object' || scenario === null) resolveScenario(scenario, 'simulate')
  return new Tuning(scenario, asked.data).run()
}

type Asked = z.output<typeof schema>

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
  readonly #asked: Asked
  readonly #prefers: ReturnType<typeof preferenceOf>
  readonly #deadline: number
  readonly #searches: CandidateSearch[] = []
  readonly #explored = new Set<CandidateSearch>()
  #searching: CandidateSearch | null = null
  /** the name of the candidate whose handler is being calibrated */
  #calibrated: string | null = null
  #ended: 'atMost' | 'onProgress' | null = null
  #runs = 0
  #threads: Thread<TrialTask, Trial | Refused> | null = null

  constructor(scenario: Scenario, asked: Asked) {
    this.#scenario = { ...scenario, stop: scenario.stop ?? (endsByItself(scenario) ? undefined : SEARCH) } as Scenario
    this.#asked = asked
    this.#prefers = preferenceOf(asked.wishes)
    this.#deadline = asked.atMost === undefined ? Number.POSITIVE_INFINITY : real.now() + asked.atMost
  }

  async run(): Promise<Tuned> {
    const { signal } = this.#asked
    throwIfAborted(signal)
    // what is wrong with the scenario is said before anything is calibrated
    const { arrivals, queue, stop, good } = resolveScenario(scenarioWith(this.#scenario, '1ms'), 'simulate')
    refuseCheckpoints(stop, 'settings are compared over runs of one length')
    if (good === undefined) this.#refuseGoodput()
    const { leastServers, mostServers, mostCost = Number.POSITIVE_INFINITY, maxWait, budget } = this.#asked
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
        nearestMiss(
          chosen,
          contenders.map(this.#searchOf),
          space,
          (setting) => this.#runEach(setting),
          this.#asked.budget,
        ),
      )
      return {
        schema: 'throughline/tuned@1',
        budget: this.#asked.budget,
        best: best?.recommended ?? null,
        sentence: recommendation(
          chosen,
          best?.recommended.result ?? null,
          this.#searches,
          complete,
          this.#asked,
          this.#ended,
        ),
        nearest,
        front: frontOf(this.#kept()).map(settingOf),
        candidates: contenders.map((contender) => this.#candidateOf(contender)),
        settings: this.#searches.flatMap(({ tried }) => tried).map(settingOf),
        runs: this.#runs,
        grid: contenders.reduce((sum, contender) => sum + gridSize(contender, space), 0),
        interrupted: this.#ended,
        unsearched: found === null ? ['everything: handlers were still being calibrated'] : this.#unsearched(),
      }
    } finally {
      await this.#threads?.destroy()
    }
  }

  /** Without limits that make a request good, goodput can be neither limited nor wished for. */
  #refuseGoodput(): void {
    const { budget, wishes } = this.#asked
    if (budget.goodput !== undefined) throw noGood('tune.budget.goodput')
    if (wishes?.goodput !== undefined) throw noGood('tune.wishes.goodput')
  }

  readonly #searchOf = (contender: Contender): CandidateSearch =>
    this.#searches.find((search) => search.contender === contender) as CandidateSearch

  async #contenders(): Promise<Contender[]> {
    const { candidates, maxBatchSize, price, calibrateAt = { utilization: 0.7 }, signal } = this.#asked
    // a calibration may take as long as its handler hangs
    const calibrating = new AbortController()
    const continueOrAbort = () => {
      try {
        this.#continue()
      } catch (error) {
        calibrating.abort(error)
      }
    }
    const asked = {
      sizes: maxBatchSize && [...new Set(maxBatchSize)].sort((a, b) => a - b),
      ...{ price, calibrateAt, signal: calibrating.signal },
      onCalibrate: (candidate: string | null) => {
        this.#calibrated = candidate
        continueOrAbort()
        throwIfAborted(calibrating.signal)
      },
    }
    const timer = real.setInterval(continueOrAbort, PROGRESS_MS)
    const removeListener = signal && onAbort(signal, continueOrAbort)
    try {
      if (candidates === undefined) return [await contenderOf(this.#scenario, asked)]
      return await contendersOf(this.#scenario, candidates, asked)
    } finally {
      real.clearInterval(timer)
      removeListener?.()
      this.#calibrated = null
    }
  }

  /** Explores the candidates, and confirms what is preferred of what they offer, until something is confirmed. */
  async #search(): Promise<{ tried: Tried; recommended: Recommended } | null> {
    for (;;) {
      await this.#unlessEnded(() => this.#exploreAll())
      const tried = this.#preferred()
      if (tried === null) return null
      const setting = settingOf(tried)
      const unconfirmed = { ...setting, confirmed: false, result: null, check: null, headroom: null }
      // a search that ran out of time still confirms what it found; one that was called off does not
      if (this.#ended === 'onProgress') return { tried, recommended: unconfirmed }
      const scenario = this.#scenarioOf(tried)
      const result = await this.#long(longer(scenario))
      if (result === null) return { tried, recommended: unconfirmed }
      const check = checkBudget(result, this.#asked.budget)
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
      return { tried, recommended: { ...setting, cost, confirmed: true, result, check, headroom: room } }
    }
  }

  async #exploreAll(): Promise<void> {
    const matters = (atBest: Tried['worth']) => {
      if (this.#asked.wishes === undefined) return false
      const preferred = this.#preferred()
      return preferred !== null && this.#prefers(atBest, preferred.worth) < 0
    }
    for (const search of this.#searches) {
      if (this.#explored.has(search)) continue
      this.#searching = search
      await search.explore(() => this.#kept(), matters)
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

  #kept(): Tried[] {
    return this.#searches.flatMap(({ tried }) => tried.filter(keeps))
  }

  #preferred(): Tried | null {
    const order = (a: Tried, b: Tried) =>
      this.#prefers(a.worth, b.worth) || a.maxBatchSize - b.maxBatchSize || a.maxWait - b.maxWait
    const [first, ...others] = this.#kept()
    if (first === undefined) return null
    return others.reduce((a, b) => (order(b, a) < 0 ? b : a), first)
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
    const { budget, signal } = this.#asked
    const tasks = settings.map((setting): TrialTask => ({ scenario: this.#scenarioOf(setting), budget }))
    const tried: Tried[] = []
    const done = (trial: Trial, i: number) => {
      const setting = settings[i] as Setting
      const { contender, servers } = setting
      const worth = {
        quality: contender.quality ?? 1,
        cost: costOfServers(contender, servers),
        p99Ms: trial.p99Ms,
        goodput: this.#asked.wishes?.goodput === undefined ? 1 : (trial.goodput as number),
      }
      tried[i] = { ...setting, trial, worth }
      this.#runs++
    }
    const threads = await this.#threadsFor(tasks)
    if (threads !== null) {
      this.#continue()
      const reports = await Promise.all(tasks.map((task) => threads.run(task, signal))).catch((error) => {
        throwIfAborted(signal)
        throw error
      })
      for (const [i, report] of reports.entries()) {
        if ('refused' in report) throw new ValidationError('', report.refused.message)
        done(report, i)
      }
      this.#continue()
      return tried
    }
    for (const [i, task] of tasks.entries()) {
      this.#continue()
      done(runTrial(task), i)
      await new Promise((resolve) => real.setImmediate(resolve))
    }
    return tried
  }

  async #threadsFor(tasks: TrialTask[]): Promise<Thread<TrialTask, Trial | Refused> | null> {
    const [first] = tasks
    if (first === undefined) return null
    const { threads } = this.#asked
    const count = threads ?? (requestsOf(first.scenario) < WORTH_THREADS ? 1 : cores())
    if (count === 1 && (threads !== undefined || requestsOf(first.scenario) < WORTH_THREADS)) return null
    this.#threads ??= await startThread(new URL('./trial.js', import.meta.url), 'tryOnThread', count)
    return this.#threads
  }

  /** Continues, unless the search has to end. */
  #continue(): void {
    throwIfAborted(this.#asked.signal)
    if (!this.#tell(this.#searching?.contender.name ?? this.#calibrated)) throw new SearchEnded('onProgress')
    if (real.now() > this.#deadline) throw new SearchEnded('atMost')
  }

  #tell(candidate: string | null): boolean {
    const { onProgress } = this.#asked
    if (onProgress === undefined) return true
    const fraction = this.#searches.length === 0 ? 0 : this.#explored.size / this.#searches.length
    const preferred = this.#preferred()
    return onProgress({ runs: this.#runs, fraction, candidate, best: preferred && settingOf(preferred) }) !== false
  }

  /** A run that is long enough to be judged; null if it was ended. */
  async #long(scenario: SimulatedScenario): Promise<Result | null> {
    const { signal, threads, onProgress } = this.#asked
    let ended = false
    const goesOn = () => {
      ended ||= !this.#tell(null)
      return !ended
    }
    const [result] = await simulateAll([scenario], { cache: null, threads, signal, onProgress: onProgress && goesOn })
    if (!ended) return result ?? null
    this.#ended ??= 'onProgress'
    return null
  }

  async #headroom(scenario: SimulatedScenario): Promise<Headroom | null> {
    if (meanRate(scenario.arrivals) === null) return null
    const { signal, budget } = this.#asked
    const room = await headroom(scenario, budget, { signal, onProgress: () => this.#tell(null) }).catch((error) => {
      // recorded service times may not reach for more load
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
      outcome: outcomeOf(search, this.#asked.budget, this.#explored.has(search)),
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

const qualityOf = ({ contender }: CandidateSearch) => contender.quality ?? 1
const leastCost = ({ contender, fewestServers }: CandidateSearch) => costOfServers(contender, fewestServers)

const endsByItself = ({ arrivals }: Scenario) =>
  typeof arrivals === 'object' && arrivals !== null && ['stages', 'replay'].includes(arrivals.process)

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

function requestsOf({ stop, arrivals }: ResolvedScenario): number {
  const { requests, duration } = stop as { requests?: number; duration?: number }
  return requests ?? ((meanRate(arrivals) ?? 0) * (duration ?? 0)) / 1000
}

function settingOf(tried: Tried): TunedSetting {
  const { contender, servers, maxBatchSize, maxWait, trial } = tried
  const { name, quality, price } = contender
  return {
    ...{ candidate: name, quality, servers },
    batching: { maxBatchSize, maxWait },
    p99Ms: Number.isFinite(trial.p99Ms) ? trial.p99Ms : null,
    goodput: trial.goodput,
    keepsBudget: keeps(tried),
    cost: costOfRun({ servers, ...trial }, price ?? undefined),
  }
}

import type { BudgetCheck } from '../../budget/check.js'
import { type Cost, costOfRun } from '../../result/cost.js'
import type { Result } from '../../result/result.js'
import type { Budget } from '../../scenario/budget.js'
import type { Headroom } from './headroom.js'
import type { NearestMiss } from './recommendation.js'
import { keeps, type Tried } from './search.js'

/** A setting, and what a short run showed of it. */
export interface TunedSetting {
  /** null without candidates */
  candidate: string | null
  quality: number | null
  servers: number
  batching: { maxBatchSize: number; maxWait: number }
  /** of latency over all requests offered; null if it falls on a request that was never answered, or there is no steady state */
  p99Ms: number | null
  /** the fraction of good requests; null if the scenario does not say which are good */
  goodput: number | null
  /** the run kept the budget, as observed */
  keepsBudget: boolean
  cost: Cost
}

/** The setting to run. */
export interface Recommended extends TunedSetting {
  /** a run of its own passed the budget; false only if the search was ended before */
  confirmed: boolean
  /**
   * that run was ten times as long as those of the search, with other requests; not if the arrivals, or the recorded
   * service times, last no longer
   */
  isLonger: boolean
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
  /** the outcome of its search, in a sentence */
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
  /** how many runs to confirm a setting it took, each ten times as long */
  confirmations: number
  /** what ended the search early; null if nothing did */
  interrupted: 'atMost' | 'onProgress' | null
  /** what was not looked at, if it was ended early */
  unsearched: string[]
}

/** Describes a setting that was tried, as plain data. */
export function settingOf(tried: Tried): TunedSetting {
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

/** Identifies a setting. */
export const keyOf = ({ candidate, servers, batching }: TunedSetting) =>
  JSON.stringify([candidate, servers, batching.maxBatchSize, batching.maxWait])

import { figureText } from '../../budget/render.js'
import type { Result } from '../../result/result.js'
import { percentileOverOffered } from '../../result/stored.js'
import { type Budget, type Rule, rulesOf } from '../../scenario/budget.js'
import { finiteOrNull } from '../../statistics/descriptive.js'
import { closePercentage, count, inText, plural, rate, time } from '../../text/number.js'
import type { ReadWishes } from './preference.js'
import {
  CandidateSearch,
  costOfServers,
  keeps,
  mostServersOf,
  type RunSettings,
  type Space,
  type Tried,
} from './search.js'

/** What a candidate needs, if more servers than `mostServers` are tried too. */
interface Reached {
  search: CandidateSearch
  at: Tried | null
  /** how many servers were tried without success; 0 if no more than `mostServers` */
  most: number
}

/** The best setting that is not recommended, and what it would need. */
export interface NearestMiss {
  /** null without candidates */
  candidate: string | null
  quality: number | null
  /** with how many servers it would keep the budget; null if no number of them that was tried is enough */
  servers: number | null
  /** its p99 of latency there, or at its best */
  p99Ms: number | null
  /** its cost there over that of the recommended setting; null if there is none */
  costRatio: number | null
  /** what it would take, in a sentence */
  sentence: string
}

/** To find what a candidate needs, up to this many times `mostServers` are tried, for at most this many candidates. */
const BEYOND = 4
const MOST_BEYOND = 8

/** The limits of a budget in words: `p99 within 100 ms, throughput of at least 500/s`. */
function budgetText(budget: Budget): string {
  return rulesOf(budget).map(ruleText).join(' and ')
}

function ruleText({ metric, relation, limit, unit }: Rule): string {
  const words = { '<': 'below', '<=': 'within', '>': 'above', '>=': 'of at least' }
  return `${metric} ${words[relation]} ${figureText(limit, unit)}`
}

/** The figure of a setting that is nearest to its limit, or furthest beyond it: `p99 is 17.2 ms at best`. */
function nearestText({ trial: { nearest } }: Tried): string {
  if (nearest === null) return 'the servers are overloaded'
  const { rule, observed } = nearest
  if (!Number.isFinite(observed)) return `${rule.metric} falls on a request that was never answered`
  const times = observed / rule.limit
  const ratio = rule.unit === 'ms' && rule.relation.startsWith('<') && rule.limit > 0
  return `${rule.metric} is ${figureText(observed, rule.unit)} at best${ratio ? `, ${inText(times)} times its limit` : ''}`
}

const nameOf = ({ contender }: { contender: Tried['contender'] }) => (contender.name === null ? 'it' : contender.name)

const serversText = (servers: number) => plural(servers, 'server')

function batchingText({ maxBatchSize, maxWait }: Tried): string {
  if (maxBatchSize === 1) return 'one request at a time'
  return `in batches of up to ${count(maxBatchSize)}${maxWait === 0 ? ' without a wait' : ` that wait up to ${time(maxWait)}`}`
}

/** The options on which a recommendation rests. */
interface Asked {
  budget: Budget
  wishes?: ReadWishes | undefined
  mostServers: number
  mostCost?: number | undefined
}

/** Whether settings kept the budget in a run of the search, and not in a longer one. */
const hasRefuted = ({ tried }: CandidateSearch) => tried.some(isRefuted)
const isRefuted = ({ trial, refuted }: Tried) => refuted === true && trial.limitRatio <= 1

/**
 * The p99 and the goodput of a setting.
 *
 * @param ofAllMs the p99 of all requests, which is infinite if more than 1 % of them are never answered
 */
function figuresText(p99Ms: number, ofAllMs: number, goodput: number | null): string {
  const p99 = Number.isFinite(ofAllMs)
    ? `p99 is ${time(p99Ms)}`
    : `more than 1 % of requests are not answered${Number.isFinite(p99Ms) ? `, p99 of the others is ${time(p99Ms)}` : ''}`
  return goodput === null ? p99 : `${p99}, ${closePercentage(goodput)} % of requests are good`
}

/** The recommendation and its reason, or why there is none. */
export function recommend(
  chosen: Tried | null,
  confirmed: Result | null,
  searches: readonly CandidateSearch[],
  complete: boolean,
  { budget, wishes, mostServers, mostCost }: Asked,
  ended: string | null,
): string {
  const within = budgetText(budget)
  if (chosen === null) {
    if (!complete) return `The search ended before it found a setting that keeps ${within}.`
    const bounds = `with up to ${serversText(mostServers)}${mostCost === undefined ? '' : ` for at most ${inText(mostCost)} an hour`}`
    return searches.some(hasRefuted)
      ? `No setting was confirmed to keep ${within} ${bounds}: settings that kept it in a search run did not pass a run ten times as long.`
      : `No setting keeps ${within} ${bounds}.`
  }
  const { contender, servers, worth } = chosen
  const { quality, price } = contender
  const { p99, goodput } = {
    p99: confirmed?.latencyMs.p99 ?? worth.p99Ms,
    goodput: confirmed?.goodput?.fraction ?? chosen.trial.goodput,
  }
  // of the same run as p99
  const ofAll = confirmed === null ? worth.p99Ms : (percentileOverOffered(confirmed, 99) ?? Number.POSITIVE_INFINITY)
  const figures = figuresText(p99, ofAll, goodput)
  const cost = price === null ? '' : `, for ${inText(costOfServers(contender, servers))} an hour`
  const what = `Run ${contender.name === null ? '' : `${contender.name} on `}${serversText(servers)}, ${batchingText(chosen)}${cost}: ${figures}, and it keeps ${within}.`
  const why =
    confirmed === null
      ? 'It is the best setting found before the search ended, and no longer run has confirmed it.'
      : reasonOf(chosen, searches, wishes, quality, price)
  const longest = rulesOf(budget).some(
    (rule) => 'time' in rule && rule.statistic === 'max' && rule.relation.startsWith('<'),
  )
  const grows =
    longest && confirmed !== null
      ? ` The max is that of ${count(confirmed.counts.completed)} requests; a longer run can only raise it.`
      : ''
  return `${what} ${why}${grows}${ended === 'atMost' && !complete ? ' The search ran out of time, so it did not try everything.' : ''}`
}

function reasonOf(
  { contender, worth }: Tried,
  searches: readonly CandidateSearch[],
  wishes: ReadWishes | undefined,
  quality: number | null,
  price: number | null,
): string {
  const kept = searches.flatMap(({ tried }) => tried.filter(keeps))
  if (wishes !== undefined) {
    const weights = Object.entries(wishes).flatMap(([name, wish]) =>
      wish === undefined || wish.weight === 0 ? [] : [`${name} ${inText(wish.weight)}`],
    )
    return `Of the settings that keep it, this one is the best by the wishes (${weights.join(', ')}).`
  }
  const lowest = price === null ? 'with the fewest servers' : 'at the lowest cost'
  const others = kept.filter((each) => each.contender !== contender)
  if (quality !== null && others.some((each) => each.worth.quality < worth.quality)) {
    return `It has the highest quality of the settings that keep it (${inText(quality)}), ${lowest} for that quality.`
  }
  if (quality !== null && searches.some((each) => (each.contender.quality ?? 0) > quality)) {
    return `No candidate of a higher quality than ${inText(quality)} keeps it, and this setting keeps it ${lowest} for that quality.`
  }
  return `No ${price === null ? 'setting with fewer servers' : 'cheaper setting'} keeps it.`
}

/** The outcome of a candidate: a predicate that follows its name. */
export function outcomeOf(search: CandidateSearch, budget: Budget, explored: boolean): string {
  const { givenUp } = search
  const within = budgetText(budget)
  const kept = search.tried.filter(keeps)
  if (kept.length > 0) {
    const servers = Math.min(...kept.map(({ servers }) => servers))
    return `keeps ${within} with ${serversText(servers)} or more`
  }
  switch (givenUp?.why) {
    case 'overloaded':
      return givenUp.servers < 1
        ? 'is too expensive: one server costs more than mostCost'
        : `cannot sustain the load with ${serversText(givenUp.servers)}; it needs ${serversText(search.fewestServers)} or more`
    case 'too slow':
      return `${tooSlowText(givenUp.best)}: no number of servers keeps ${within}`
    case 'dominated':
      return `cannot be better than ${nameOf(givenUp.by)} on ${serversText(givenUp.by.servers)} in quality, cost or p99: not searched`
  }
  if (!explored) return 'was not searched to the end'
  const nearest = search.nearest()
  if (nearest === null) return 'was not run in any setting'
  if (isRefuted(nearest)) {
    return `keeps ${within} with ${serversText(nearest.servers)} in a search run, but did not pass a run ten times as long`
  }
  return `breaks ${within} with up to ${serversText(search.mostServers)}: ${nearestText(nearest)}, with ${serversText(nearest.servers)}`
}

function tooSlowText({ trial: { nearest } }: Tried): string {
  if (nearest === null || !Number.isFinite(nearest.observed)) return 'is too slow'
  const { rule, observed } = nearest
  return `has a ${rule.metric} of ${figureText(observed, rule.unit)} without any waiting`
}

/**
 * Finds what comes nearest: a candidate of higher quality than the recommended one, else the best of the others; with
 * one candidate, one server fewer.
 */
export async function findNearestMiss(
  chosen: Tried | null,
  searches: readonly CandidateSearch[],
  space: Space,
  run: RunSettings,
  budget: Budget,
): Promise<NearestMiss | null> {
  const others = searches.filter(({ contender }) => contender !== chosen?.contender)
  if (chosen !== null && others.length === 0)
    return findOneServerFewer(chosen, searches[0] as CandidateSearch, space, budget)
  const wanted =
    chosen === null ? others : others.filter(({ contender }) => (contender.quality ?? 1) > chosen.worth.quality)
  const pool = wanted.length > 0 ? wanted : others
  // what a candidate needs is known if it keeps the budget; otherwise more servers are tried
  const reached = pool.map((search): Reached => ({ search, at: cheapestOf(search), most: 0 }))
  let least = Math.min(...reached.map(({ at }) => at?.worth.cost ?? Number.POSITIVE_INFINITY))
  const further = reached
    .filter(({ at, search }) => {
      const isHopeless = search.givenUp?.why === 'too slow' || search.givenUp?.why === 'dominated'
      // if a longer run refuted a setting with fewer servers, search runs with more servers show nothing
      return at === null && !isHopeless && !hasRefuted(search)
    })
    .flatMap((each) => {
      const more = extendSpace(each.search, space)
      const { contender, fewestServers } = each.search
      return more === null
        ? []
        : [{ each, more, atLeast: costOfServers(contender, Math.max(fewestServers, more.leastServers)) }]
    })
    .sort((a, b) => a.atLeast - b.atLeast)
  for (const { each, more, atLeast } of further.slice(0, MOST_BEYOND)) {
    if (atLeast >= least) break
    each.most = mostServersOf(each.search.contender, more)
    each.at = await cheapestIn(each.search, more, run)
    least = Math.min(least, each.at?.worth.cost ?? Number.POSITIVE_INFINITY)
  }
  const cost = ({ at }: Reached) => at?.worth.cost ?? Number.POSITIVE_INFINITY
  const limitRatio = ({ search }: Reached) => nearestRatioOf(search)
  const [nearest] = reached.sort((a, b) => compare(cost(a), cost(b)) || compare(limitRatio(a), limitRatio(b)))
  if (nearest === undefined) return null
  return missOf(nearest.search, nearest.at, nearest.most, chosen, budget)
}

const compare = (a: number, b: number) => (a === b ? 0 : a - b)

const nearestRatioOf = (search: CandidateSearch) =>
  search.givenUp?.why === 'too slow'
    ? search.givenUp.best.trial.limitRatio
    : (search.nearest()?.trial.limitRatio ?? Number.POSITIVE_INFINITY)

const cheapestOf = ({ tried }: CandidateSearch) =>
  tried.filter(keeps).sort((a, b) => a.worth.cost - b.worth.cost || a.worth.p99Ms - b.worth.p99Ms)[0] ?? null

/** A space with more servers than `mostServers`; null if a candidate cannot have more. */
function extendSpace({ contender, mostServers }: CandidateSearch, space: Space): Space | null {
  const further: Space = {
    ...space,
    leastServers: mostServers + 1,
    mostServers: Math.min(1000, BEYOND * Math.max(space.mostServers, mostServers)),
    mostCost: Number.POSITIVE_INFINITY,
  }
  return mostServersOf(contender, further) < further.leastServers ? null : further
}

async function cheapestIn(
  { contender, prefers }: CandidateSearch,
  space: Space,
  run: RunSettings,
): Promise<Tried | null> {
  const search = new CandidateSearch(contender, space, run, prefers)
  await search.cheapest()
  return cheapestOf(search)
}

/** @param most how many servers were tried without success; 0 if no more than `mostServers` */
function missOf(
  search: CandidateSearch,
  at: Tried | null,
  most: number,
  chosen: Tried | null,
  budget: Budget,
): NearestMiss {
  const { contender, givenUp } = search
  const { name, quality } = contender
  const who = `${name ?? 'The service'}${quality === null ? '' : ` (quality ${inText(quality)})`}`
  const within = budgetText(budget)
  if (at !== null) {
    const costRatio = chosen === null ? null : at.worth.cost / chosen.worth.cost
    const cost = costRatio === null ? '' : `, at ${inText(costRatio)} times the cost`
    return {
      ...{ candidate: name, quality, servers: at.servers, p99Ms: finiteOrNull(at.trial.p99Ms), costRatio },
      sentence: `${who} would keep ${within} with ${serversText(at.servers)}${cost}.`,
    }
  }
  const near = givenUp?.why === 'too slow' ? givenUp.best : search.nearest()
  return {
    ...{ candidate: name, quality, servers: null, p99Ms: near && finiteOrNull(near.trial.p99Ms), costRatio: null },
    sentence: `${who} ${outcomeOf(search, budget, true)}${givenUp === null && most > 0 ? `; even ${serversText(most)} do not help` : ''}.`,
  }
}

/** What the setting with one server fewer falls short by. */
function findOneServerFewer(chosen: Tried, search: CandidateSearch, space: Space, budget: Budget): NearestMiss | null {
  const servers = chosen.servers - 1
  if (servers < space.leastServers) return null
  const { name, quality } = chosen.contender
  const within = budgetText(budget)
  const kept = search.best(servers)
  const near = kept ?? search.nearest(servers)
  const sentence = (): string => {
    const who = serversText(servers)
    if (near === null || near.trial.limitRatio === Number.POSITIVE_INFINITY) {
      return `${who} cannot sustain ${rate(space.offered)}; the budget is ${within}.`
    }
    if (kept !== null) {
      const { p99Ms, goodput } = kept.trial
      return `${who} would keep ${within} too: ${figuresText(p99Ms, p99Ms, goodput)}.`
    }
    if (isRefuted(near)) {
      return `${who} kept ${within} in a search run, but did not pass a run ten times as long.`
    }
    return `${who} would break it: ${nearestText(near)}; the budget is ${within}.`
  }
  return {
    ...{
      candidate: name,
      quality,
      servers,
      p99Ms: near && finiteOrNull(near.trial.p99Ms),
      costRatio: servers / chosen.servers,
    },
    sentence: sentence(),
  }
}

// Does `tune` find the best setting, in how few runs, and does what it recommends keep its budget in a long run?
// Random problems, each held against all its settings: `npx tsx bench/studies/tune.ts --problems 200`. With `--from 100` it begins
// at that problem, so that two processes can share them.

import { parseArgs } from 'node:util'
import { preferenceOf, type Worth, wishesSchema } from '../../src/explore/tune/preference.js'
import { longer, runTrial } from '../../src/explore/tune/trial.js'
import {
  affine,
  type Budget,
  type Candidate,
  checkBudget,
  exponential,
  gamma,
  lognormal,
  onOff,
  renewal,
  type Scenario,
  simulate,
  type Tuned,
  tune,
  type Wishes,
} from '../../src/index.js'
import { meanRate } from '../../src/scenario/arrivals/arrivals.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { maxThroughput, serviceSchema } from '../../src/scenario/service/service.js'

const { values } = parseArgs({
  options: {
    problems: { type: 'string', default: '200' },
    from: { type: 'string', default: '0' },
    requests: { type: 'string', default: '10000' },
    verbose: { type: 'boolean', default: false },
  },
})
const requests = Number(values.requests)

/** Uniform numbers of a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

interface Problem {
  scenario: Scenario
  budget: Budget
  candidates: Candidate[]
  wishes?: Wishes
}

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const WAITS = [0, 1, 2, 5, 10, 20]
const MOST_SERVERS = 16

function problemOf(seed: number): Problem {
  const random = randomOf(seed)
  const between = (from: number, to: number) => from + (to - from) * random()
  const logBetween = (from: number, to: number) => from * (to / from) ** random()
  const oneOf = <T>(...of: T[]) => of[Math.floor(random() * of.length)] as T
  const bases: number[] = []
  const candidates = Array.from({ length: oneOf(1, 2, 3) }, (_, i): Candidate => {
    const base = logBetween(2, 40)
    const perItem = base * logBetween(0.02, 0.3)
    bases.push(base + perItem)
    const variation = oneOf(undefined, gamma({ cv: 0.3 }), gamma({ cv: 0.7 }), lognormal({ cv: 0.5 }), exponential())
    return {
      name: `m${i}`,
      quality: between(0.6, 1),
      price: logBetween(0.5, 4),
      service: affine({ base, perItem, ...(variation !== undefined && { variation }) }),
    }
  })
  const [first] = candidates as [Candidate]
  const one = maxThroughput(serviceSchema.parse(first.service), oneOf(1, 4, 16), 1)
  const rate = one * logBetween(0.2, 8)
  const arrivals = oneOf<Scenario['arrivals']>(
    rate,
    rate,
    renewal({ rate, variation: gamma({ cv: 1.5 }) }),
    { process: 'constant', rate },
    onOff({ rate: 2 * rate, on: 200, off: 200 }),
  )
  const limit = Math.max(...bases) * logBetween(1.2, 6)
  const budget = oneOf<Budget>(
    { p99: limit },
    { p99: limit },
    { p95: limit },
    { p99: limit, 'queueing.p95': limit / 3 },
    { p99: 2 * limit, mean: limit / 2 },
  )
  const scenario: Scenario = { arrivals, stop: { requests }, seed: 1 + Math.floor(random() * 1e6) }
  if (random() < 0.5) return { scenario, budget, candidates }
  return { scenario, budget, candidates, wishes: { quality: between(0, 8), cost: between(0.2, 2), p99: between(0, 1) } }
}

interface Best {
  setting: string
  worth: Worth
}

interface Kept extends Best {
  at: Scenario
  batch: number
  wait: number
}

/**
 * The best setting of all, by the same runs and the same confirmation; null if no setting keeps the budget. Left out is only what is the
 * same run as another (a batch size that no batch reaches), cannot keep a budget (overloaded servers), or is behind
 * what is confirmed already (without wishes: lower quality, or more servers).
 */
function exhausted({ scenario, budget, candidates, wishes }: Problem): Best | null {
  const prefers = preferenceOf(wishes === undefined ? undefined : wishesSchema.parse(wishes))
  const order = (a: Kept, b: Kept) => prefers(a.worth, b.worth) || a.batch - b.batch || a.wait - b.wait
  const confirmed = (kept: Kept[]) =>
    kept.sort(order).find(({ at }) => {
      const { verdict } = checkBudget(simulate(longer(resolveScenario(at, 'simulate'))), budget)
      return verdict === 'pass'
    }) ?? null
  const all: Kept[] = []
  for (const candidate of [...candidates].sort((a, b) => (b.quality ?? 0) - (a.quality ?? 0))) {
    for (let servers = 1; servers <= MOST_SERVERS; servers++) {
      const kept = keptOf({ scenario, budget, candidates }, candidate, servers)
      if (wishes !== undefined) all.push(...kept)
      else {
        const best = confirmed(kept)
        if (best !== null) return best
      }
    }
  }
  return confirmed(all)
}

function keptOf({ scenario, budget }: Problem, candidate: Candidate, servers: number): Kept[] {
  const { name, quality = 1, price = 1, service } = candidate
  const read = serviceSchema.parse(service)
  const { arrivals } = resolveScenario({ ...scenario, service: 1 }, 'simulate')
  const rate = meanRate(arrivals) ?? 0
  const kept: Kept[] = []
  for (const wait of WAITS) {
    let full = true
    for (const batch of wait === 0 ? SIZES : SIZES.slice(1)) {
      if (!full) break
      if (maxThroughput(read, batch, servers) <= rate) continue
      const at = { ...scenario, service: read, servers, batching: { maxBatchSize: batch, maxWait: wait } } as Scenario
      const trial = runTrial({ scenario: resolveScenario(at, 'simulate'), budget })
      full = trial.largestBatch >= batch
      if (trial.limitRatio > 1) continue
      const worth = { quality, cost: price * servers, p99Ms: trial.p99Ms, goodput: 1 }
      kept.push({ worth, at, batch, wait, setting: `${name} ${servers} ${batch} ${wait}` })
    }
  }
  return kept
}

/** How a recommendation does in a run a hundred times as long, with requests of its own. */
function inTheLongRun(
  { scenario, budget, candidates }: Problem,
  { candidate, servers, batching }: NonNullable<Tuned['best']>,
) {
  const service = candidates.find(({ name }) => name === candidate)?.service
  const long = { ...scenario, service, servers, batching, stop: { requests: 100 * requests }, seed: 987_654_321 }
  return checkBudget(simulate(long as Scenario), budget).verdict
}

const total = {
  problems: 0,
  solvable: 0,
  same: 0,
  asGood: 0,
  missed: [] as number[],
  broken: 0,
  runs: 0,
  confirmations: 0,
  grid: 0,
}
const fractions: number[] = []
const verdicts = { pass: 0, inconclusive: 0, fail: 0 }
let seconds = 0
for (let problem = Number(values.from); problem < Number(values.from) + Number(values.problems); problem++) {
  const given = problemOf(problem + 1)
  const began = performance.now()
  const { best, runs, confirmations, grid } = await tune(given.scenario, {
    budget: given.budget,
    candidates: given.candidates,
    maxBatchSize: SIZES,
    maxWait: WAITS,
    mostServers: MOST_SERVERS,
    ...(given.wishes !== undefined && { wishes: given.wishes }),
  })
  seconds += (performance.now() - began) / 1000
  const truth = exhausted(given)
  total.problems++
  total.runs += runs
  total.confirmations += confirmations
  total.grid += grid
  fractions.push(runs / grid)
  if (truth !== null) total.solvable++
  const verdict = best === null ? null : inTheLongRun(given, best)
  if (verdict !== null) verdicts[verdict]++
  const setting = best && `${best.candidate} ${best.servers} ${best.batching.maxBatchSize} ${best.batching.maxWait}`
  const isSame = setting === (truth?.setting ?? null)
  const isAsGood =
    isSame ||
    (best !== null &&
      truth !== null &&
      best.quality === truth.worth.quality &&
      best.cost.perHour === truth.worth.cost &&
      (best.p99Ms ?? Number.POSITIVE_INFINITY) <= 1.01 * truth.worth.p99Ms)
  if (isSame) total.same++
  if (isAsGood) total.asGood++
  else total.missed.push(problem)
  if (values.verbose || !isAsGood) {
    console.error(
      `${problem}: ${runs} of ${grid} runs, ${isSame ? 'same' : isAsGood ? 'as good' : 'missed'}, long run ${verdict}: ${setting} p99 ${best?.p99Ms?.toFixed(2)}, best of all ${truth?.setting} p99 ${truth?.worth.p99Ms.toFixed(2)} ${JSON.stringify(given.budget)} ${JSON.stringify(given.wishes)}`,
    )
  }
}
fractions.sort((a, b) => a - b)
const at = (fraction: number) =>
  `${(100 * (fractions[Math.floor(fraction * (fractions.length - 1))] as number)).toFixed(1)} %`
console.log(`| | |
|---|---|
| problems | ${total.problems}, ${total.solvable} of them with a setting that keeps the budget |
| the very setting that is best of all | ${total.same} |
| that, or one of the same candidate and cost with a p99 at most 1 % longer | ${total.asGood} |
| runs, of all settings | ${((100 * total.runs) / total.grid).toFixed(1)} % (median ${at(0.5)}, most ${at(1)}) |
| runs to confirm, each ten times as long | ${(total.confirmations / total.problems).toFixed(1)} a search |
| a run 100 times as long | ${verdicts.pass} pass, ${verdicts.inconclusive} inconclusive, ${verdicts.fail} fail |
| seconds a search | ${(seconds / total.problems).toFixed(2)} |`)
if (total.missed.length > 0) console.log(`missed: ${total.missed.join(', ')}`)

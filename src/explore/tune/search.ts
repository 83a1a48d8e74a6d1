import { maxThroughput, meanServiceNs, type Service } from '../../scenario/service/service.js'
import { sumBy } from '../../statistics/descriptive.js'
import type { Contender } from './candidates.js'
import { frontOf, isAsGood, type Preference, type Worth } from './preference.js'
import type { Trial } from './trial.js'

/** One way to serve: a candidate on a number of servers, with a batching policy. */
export interface Setting {
  contender: Contender
  servers: number
  maxBatchSize: number
  maxWait: number
}

/** A setting that was run. */
export interface Tried extends Setting {
  trial: Trial
  worth: Worth
  /** a longer run did not confirm that it keeps the budget */
  refuted?: boolean
}

/** The settings to choose from, and the load. */
export interface Space {
  leastServers: number
  mostServers: number
  /** an hour; Infinity is no limit */
  mostCost: number
  /** in ascending order */
  waits: readonly number[]
  /** requests a second; 0 if unknown */
  offered: number
  /** the queue drops what is too much, so that an overloaded server may keep a budget that allows it */
  sheds: boolean
  /** waiting, larger batches or fewer servers help to keep a limit of the budget, such as a lower limit on batch size */
  waitingHelps: boolean
}

/** Runs settings, and gives what each showed, in order. */
export type RunSettings = (settings: Setting[]) => Promise<Tried[]>

export const keeps = ({ trial, refuted }: Tried) => trial.limitRatio <= 1 && refuted !== true

/** The cost of servers for an hour; without prices, every server costs 1. */
export const costOfServers = ({ price }: Contender, servers: number) => (price ?? 1) * servers

/** Counts all settings of a candidate. */
export function gridSize(contender: Contender, space: Space): number {
  const { leastServers, waits } = space
  const batchings = sumBy(contender.sizes, (size) => (size === 1 ? 1 : waits.length))
  return Math.max(0, mostServersOf(contender, space) - leastServers + 1) * batchings
}

/** The most servers that a candidate may have. */
export function mostServersOf(contender: Contender, { mostServers, mostCost }: Space): number {
  const affordable = Math.floor((mostCost * (1 + 1e-12)) / costOfServers(contender, 1))
  return Math.min(mostServers, affordable)
}

/** The reason why a candidate was excluded before its settings were searched. */
export type GivenUp =
  /** this number of servers cannot sustain the load */
  | { why: 'overloaded'; servers: number }
  /** a request breaks the budget without any waiting */
  | { why: 'too slow'; best: Tried }
  /** another setting is as good in everything, whatever this candidate does */
  | { why: 'dominated'; by: Tried }

/** A place of the lattice of batch sizes and waits. */
interface Place {
  size: number
  wait: number
}

/** How many batch sizes are tried at once, from the smallest on. */
const AT_ONCE = 3
/** If every batch size misses the budget by this ratio, waits are not searched: they do not make up for that. */
const FAR = 2
/** More servers than the fewest are tried for as long as each makes p99 this much shorter. */
const WORTH_A_SERVER = 0.02
/** And up to this many times the fewest, unless they may be preferred. */
const MOST_TIMES = 2
/** How many settings of each number of servers and batch size get a longer run. */
const MOST_REFUTED = 2
/** With this many servers no request waits for one. */
const PLENTY = 1000

/**
 * The search of one candidate's settings. With fewer servers than it needs a candidate is overloaded, which its service
 * says without a run; from there on the fewest servers that keep the budget are bracketed and bisected. At each number of
 * servers every wait is tried with the best batch size, and then the best of the neighbours, and so on.
 */
export class CandidateSearch {
  readonly contender: Contender
  readonly #space: Space
  readonly #run: RunSettings
  readonly prefers: Preference
  readonly #tried = new Map<string, Tried>()
  readonly #searched = new Map<number, Tried | null>()
  readonly #capacity = new Map<number, number>()
  /** null if it has to be found again */
  #front: readonly Tried[] | null = null
  /** undefined if it has to be found again */
  #preferred: Tried | null | undefined
  #bestCase: Tried | null = null
  givenUp: GivenUp | null = null

  /** @param prefers chooses among settings with as many servers that keep the budget */
  constructor(contender: Contender, space: Space, run: RunSettings, prefers: Preference) {
    this.contender = contender
    this.#space = space
    this.#run = run
    this.prefers = prefers
    for (const size of contender.sizes) this.#capacity.set(size, maxThroughput(contender.service, size, 1))
  }

  get mostServers(): number {
    return mostServersOf(this.contender, this.#space)
  }

  /** The fewest servers that keep up with the load, in batches of any size. */
  get fewestServers(): number {
    const { leastServers, offered, sheds } = this.#space
    if (sheds || offered === 0) return leastServers
    const most = Math.max(...this.#capacity.values())
    return Math.max(leastServers, Math.floor(offered / most) + 1)
  }

  /** Every setting that was run. */
  get tried(): Tried[] {
    return [...this.#tried.values()]
  }

  /** The best setting of those that keep the budget. */
  get preferred(): Tried | null {
    if (this.#preferred === undefined) this.#preferred = best(this.tried.filter(keeps), this.#better)
    return this.#preferred
  }

  /** The Pareto front of the settings that keep the budget. */
  get front(): readonly Tried[] {
    this.#front ??= frontOf(this.tried.filter(keeps))
    return this.#front
  }

  /** The setting nearest to the budget, of those at a number of servers, or of all. */
  nearest(servers?: number): Tried | null {
    return best(
      this.tried.filter((each) => servers === undefined || each.servers === servers),
      (a, b) => a.trial.limitRatio - b.trial.limitRatio,
    )
  }

  /** The setting of a number of servers that is best of those that keep the budget. */
  best(servers: number): Tried | null {
    return best(
      this.tried.filter((each) => each.servers === servers && keeps(each)),
      this.#better,
    )
  }

  /**
   * Searches the fewest servers that keep the budget, and then more for as long as they are worth it.
   *
   * @param found the Pareto fronts of all candidates, to stop where a setting is as good in everything
   * @param matters whether a setting of this worth at best would be preferred to what was found
   */
  async explore(found: () => readonly Tried[], matters: (atBest: Worth) => boolean): Promise<void> {
    const { fewestServers: from, mostServers: to } = this
    if (from > to) {
      this.givenUp ??= { why: 'overloaded', servers: to }
      return
    }
    this.#bestCase ??= await this.#withoutWaiting()
    if (this.#bestCase !== null && this.#bestCase.trial.limitRatio > 1) {
      this.givenUp = { why: 'too slow', best: this.#bestCase }
      return
    }
    this.givenUp = this.#dominatedAt(from, found())
    if (this.givenUp !== null) return
    const fewest = await this.cheapest()
    if (fewest === null) return
    let last = fewest
    for (let servers = last.servers + 1; servers <= to; servers++) {
      if (this.#dominatedAt(servers, found()) !== null) return
      if (servers > MOST_TIMES * fewest.servers && !matters(this.#atBest(servers))) return
      const next = await this.at(servers)
      if (next === null || !keeps(next)) continue
      const gain = 1 - next.trial.p99Ms / last.trial.p99Ms
      if (gain < WORTH_A_SERVER && !matters(this.#atBest(servers + 1))) return
      if (gain >= WORTH_A_SERVER) last = next
    }
  }

  /** The best setting of a number of servers that was found; null if none keeps up with the load. */
  async at(servers: number): Promise<Tried | null> {
    const known = this.#searched.get(servers)
    if (known !== undefined && known?.refuted !== true) return known
    const found = await this.#searchAt(servers)
    this.#searched.set(servers, found)
    return found
  }

  /** Tries every wait at the batch size of a setting and at the neighbouring ones, for as long as that finds a better setting. */
  async refine(setting: Tried): Promise<void> {
    const { servers } = setting
    this.#searched.set(servers, await this.#climb(setting, (here) => this.#linesAround(here)))
  }

  /**
   * Marks a setting that a longer run did not confirm. After a few with as many servers and batches as large, the others
   * of them that are as near to the budget are given up too: larger batches may still sustain the load for longer.
   */
  refute(setting: Tried): void {
    setting.refuted = true
    this.#forget()
    this.#searched.delete(setting.servers)
    const alike = this.tried.filter(
      ({ servers, maxBatchSize }) => servers === setting.servers && maxBatchSize === setting.maxBatchSize,
    )
    const refuted = alike.filter((each) => each.refuted)
    if (refuted.length < MOST_REFUTED) return
    const least = Math.min(...refuted.map(({ trial }) => trial.limitRatio))
    for (const each of alike) if (each.trial.limitRatio >= least) each.refuted = true
  }

  #forget(): void {
    this.#front = null
    this.#preferred = undefined
  }

  /** The best setting of the fewest servers that keep the budget; null if none was found. */
  async cheapest(): Promise<Tried | null> {
    const { fewestServers: from, mostServers: to } = this
    if (from > to) return null
    let failed = from - 1
    let found: Tried | null = null
    let step = 1
    for (let servers = from; found === null; servers = Math.min(to, servers + step)) {
      const here = await this.at(servers)
      if (here !== null && keeps(here)) found = here
      else {
        failed = servers
        if (servers === to) return null
        if (servers > from) step *= 2
      }
    }
    while (found.servers - failed > 1) {
      const middle = Math.floor((found.servers + failed) / 2)
      const here = await this.at(middle)
      if (here !== null && keeps(here)) found = here
      else failed = middle
    }
    return found
  }

  async #searchAt(servers: number): Promise<Tried | null> {
    const { sizes } = this.contender
    const able = sizes.flatMap((size, i) => (this.#keepsUp(size, servers) ? [i] : []))
    if (able.length === 0) return null
    const starts = [...(await this.#all(this.#nearby(servers), servers))]
    let here: Tried | null = null
    for (let k = 0; k < able.length; k += AT_ONCE) {
      const places = able.slice(k, k + AT_ONCE).map((size) => ({ size, wait: 0 }))
      const tried = await this.#all(places, servers)
      here = best(here === null ? tried : [here, ...tried], this.#better)
      // no batch ever filled: larger ones are the very same run
      if (tried.some((each) => each.trial.largestBatch < each.maxBatchSize)) break
    }
    if (here !== null && here.maxBatchSize > 1 && this.#isNear(here)) {
      // p99 may fall again behind a rise, where a longer wait spares servers that are nearly overloaded
      const { size } = this.#placeOf(here)
      const line = this.#space.waits.map((_, wait) => ({ size, wait }))
      starts.push(best(await this.#all(line, servers), this.#better) as Tried)
    }
    for (const start of [...starts, here]) {
      if (start !== null) await this.#climb(start, (from) => this.#neighbours(from))
    }
    return best(
      this.tried.filter((each) => each.servers === servers),
      this.#better,
    )
  }

  /** Moves to the best of the places around until none is better. */
  async #climb(from: Tried, around: (here: Tried) => Place[]): Promise<Tried> {
    let here = from
    while (this.#isNear(here)) {
      const next = best([here, ...(await this.#all(around(here), here.servers))], this.#better) as Tried
      if (next === here) break
      here = next
    }
    return here
  }

  /** Whether other waits may make up for what a setting misses the budget by. */
  #isNear({ trial }: Tried): boolean {
    return trial.limitRatio <= FAR || this.#space.waitingHelps
  }

  /** Where the search with one server fewer, and with one more, has ended. */
  #nearby(servers: number): Place[] {
    return [servers - 1, servers + 1].flatMap((other) => {
      const found = this.#searched.get(other)
      return found != null && this.#keepsUp(found.maxBatchSize, servers) ? [this.#placeOf(found)] : []
    })
  }

  #neighbours(of: Tried): Place[] {
    const { size, wait } = this.#placeOf(of)
    const moves: [number, number][] = [
      [-1, 0],
      [0, 1],
      [0, -1],
      [-1, 1],
      [1, -1],
      [1, 0],
      [1, 1],
    ]
    return moves
      .map(([bySize, byWait]) => ({ size: size + bySize, wait: wait + byWait }))
      .filter((place) => this.#isWorthARun(place, of))
  }

  /** Every wait at the batch size of a setting, the next smaller and the next larger. */
  #linesAround(of: Tried): Place[] {
    const { size } = this.#placeOf(of)
    return [size - 1, size, size + 1]
      .flatMap((each) => this.#space.waits.map((_, wait) => ({ size: each, wait })))
      .filter((place) => this.#isWorthARun(place, of))
  }

  /** Whether a place exists, keeps up with the load, and has no larger batches than those that never fill. */
  #isWorthARun({ size, wait }: Place, of: Tried): boolean {
    const there = this.contender.sizes[size]
    if (there === undefined || !this.#keepsUp(there, of.servers)) return false
    if (wait < 0 || wait >= (there === 1 ? 1 : this.#space.waits.length)) return false
    return there <= of.maxBatchSize || of.trial.largestBatch >= of.maxBatchSize
  }

  #placeOf({ maxBatchSize, maxWait }: Tried): Place {
    return {
      size: this.contender.sizes.indexOf(maxBatchSize),
      wait: maxBatchSize === 1 ? 0 : this.#space.waits.indexOf(maxWait),
    }
  }

  /** Whether servers keep up with the load in batches of at most this size. */
  #keepsUp(size: number, servers: number): boolean {
    const { sheds, offered } = this.#space
    return sheds || (this.#capacity.get(size) as number) * servers > offered
  }

  async #all(places: Place[], servers: number): Promise<Tried[]> {
    const { contender } = this
    const settings = places.map(({ size, wait }): Setting => {
      const maxBatchSize = contender.sizes[size] as number
      return { contender, servers, maxBatchSize, maxWait: maxBatchSize === 1 ? 0 : (this.#space.waits[wait] as number) }
    })
    const left = settings.filter((setting) => !this.#tried.has(keyOf(setting)))
    for (const tried of await this.#run(left)) this.#tried.set(keyOf(tried), tried)
    if (left.length > 0) this.#forget()
    return settings.map((setting) => this.#tried.get(keyOf(setting)) as Tried)
  }

  /**
   * One request at a time on more servers than anything needs: no setting is faster, if larger batches take longer. Null
   * if that is not known of the service, if a limit asks for waiting, or if plenty is not enough.
   */
  async #withoutWaiting(): Promise<Tried | null> {
    const { service } = this.contender
    const { offered, sheds, waitingHelps } = this.#space
    const one = maxThroughput(service, 1, PLENTY)
    if (sheds || waitingHelps || offered === 0 || service.model === 'recorded' || !(one > 2 * offered)) return null
    if (!growsWithSize(service, Math.max(...this.contender.sizes))) return null
    const { overhead: _, ...without } = service
    const contender = { ...this.contender, service: without as Service }
    const [tried] = await this.#run([{ contender, servers: PLENTY, maxBatchSize: 1, maxWait: 0 }])
    return tried ?? null
  }

  /** What a number of servers is worth at the very best. */
  #atBest(servers: number): Worth {
    const { quality } = this.contender
    return {
      quality: quality ?? 1,
      cost: costOfServers(this.contender, servers),
      p99Ms: this.#bestCase?.trial.p99Ms ?? 0,
      goodput: this.#bestCase?.worth.goodput ?? 1,
    }
  }

  #dominatedAt(servers: number, found: readonly Tried[]): GivenUp | null {
    const atBest = this.#atBest(servers)
    const by = found.find(({ worth, contender }) => contender !== this.contender && isAsGood(worth, atBest))
    return by === undefined ? null : { why: 'dominated', by }
  }

  /** Those that keep the budget first, as preferred; then those nearest to it; of equal ones the smaller batch and wait. */
  #better = (a: Tried, b: Tried): number => {
    const [ofA, ofB] = [keeps(a), keeps(b)]
    if (ofA !== ofB) return ofA ? -1 : 1
    const byFigures = ofA ? this.prefers(a.worth, b.worth) : finiteRatioOf(a) - finiteRatioOf(b)
    return byFigures || a.maxBatchSize - b.maxBatchSize || a.maxWait - b.maxWait
  }
}

const keyOf = ({ servers, maxBatchSize, maxWait }: Setting) => `${servers} ${maxBatchSize} ${maxWait}`

/** Two infinite ratios are equal. */
const finiteRatioOf = ({ trial }: Tried) => Math.min(trial.limitRatio, Number.MAX_VALUE)

function best(tried: readonly Tried[], order: (a: Tried, b: Tried) => number): Tried | null {
  const [first, ...others] = tried
  return first === undefined ? null : others.reduce((a, b) => (order(b, a) < 0 ? b : a), first)
}

/** Whether a larger batch takes as long on average, or longer. */
function growsWithSize(service: Service, largest: number): boolean {
  const mean = meanServiceNs(service)
  let last = mean(1)
  for (let size = 2; size <= largest; size *= 2) {
    const next = mean(size)
    if (next < last) return false
    last = next
  }
  return mean(largest) >= last
}

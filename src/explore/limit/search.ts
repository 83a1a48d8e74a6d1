/** What a run at a load showed: that it keeps the budget, or what broke the budget, or why neither is known. */
export type LoadCause = 'budget' | 'saturation' | 'errors' | 'machine' | 'too-short'

/** A load that was run, for the search. */
export interface Step {
  rate: number
  lengthMs: number
  kind: RunKind
  /** the part of the run that was judged; null if no request completed */
  windowMs: number | null
  /** null if the run passed */
  cause: LoadCause | null
}

/** A run to come. */
export type NextRun = Pick<Step, 'rate' | 'lengthMs' | 'kind'>

/**
 * A `probe` looks for the order of magnitude, a `search` run bisects, and both stop as soon as their verdict is clear. A
 * `confirm` run is long, and runs to its end.
 */
export type RunKind = 'probe' | 'search' | 'confirm'

/** What the search may use. */
export interface SearchLimits {
  /** the first load, requests a second */
  from: number
  /** the time of all runs together */
  atMostMs: number
  /** how many requests a budget needs for a verdict */
  requests: number
  /** how many requests a probe needs; 10 if it is omitted */
  probed?: number
  /** the highest load to try; the highest that can be measured, if it is omitted */
  most?: number
}

/** How near the highest load that passed must come to the lowest that did not, as a fraction of it. */
const NEAR = 0.05
/** The search goes from this fraction of the first load, to the highest rate that can be measured. */
const LEAST = 1 / 64
const MOST = 10_000_000
/** The fraction of the time after which the search is over, and what it found is confirmed. */
const SEARCHED = 0.6

/** Where the search is: the highest load that is not known to be too much, and the lowest that did not pass. */
export interface Bracket<T extends Step> {
  low: T | null
  high: T | null
}

/** The last run at each load. */
export const lastAtEachLoad = <T extends Step>(steps: readonly T[]): T[] => [
  ...new Map(steps.map((step) => [step.rate, step])).values(),
]

/**
 * Finds the bracket. Of several runs at a load the last counts. A load that passed above one that did not proves nothing: a
 * higher load is not easier.
 */
export function bracketOf<T extends Step>(steps: readonly T[]): Bracket<T> {
  const last = lastAtEachLoad(steps).sort((a, b) => a.rate - b.rate)
  const high = last.find(isTooMuch) ?? null
  return { low: last.findLast(({ rate }) => high === null || rate < high.rate) ?? null, high }
}

/** A probe that was too short for a verdict shows nothing about its load. */
const isTooMuch = ({ cause, kind }: Step) => cause !== null && !(cause === 'too-short' && kind === 'probe')

/** Whether the bracket is as narrow as a search makes it, and its lower end is confirmed; or every load failed. */
export function isFound({ low, high }: Bracket<Step>, { from, atMostMs }: SearchLimits): boolean {
  if (low === null) return high !== null && high.cause !== 'too-short' && isLeast(high, from)
  return isConfirmed(low, atMostMs) && (high === null || !isWide(low, high))
}

const isLeast = ({ rate }: Step, from: number) => rate / 2 < from * LEAST

/** Whether a run passed that was long: to its end, or nearly as long as a `confirm` run. */
export const isConfirmed = ({ cause, kind, windowMs }: Step, atMostMs: number) =>
  cause === null && (kind === 'confirm' || (windowMs ?? 0) >= LONG * atMostMs)

/** Whether a long run did not pass at a load at which a short one had: then short ones no longer count. */
export const isRefuted = (steps: readonly Step[]) =>
  steps.some(
    ({ rate, kind, cause }) =>
      kind === 'confirm' && cause !== null && steps.some((each) => each.rate === rate && each.cause === null),
  )

/** The fraction of the time that a long run takes. */
const LONG = 1 / 5

const isWide = (low: Step, high: Step) => high.rate > (1 + NEAR) * low.rate

/** Chooses the next load to run and for how long: doubling or halving first, then between. Null ends the search. */
export function nextRun(
  steps: readonly Step[],
  { from, atMostMs, requests, probed = 10, most = MOST }: SearchLimits,
  elapsedMs: number,
): NextRun | null {
  const leftMs = atMostMs - elapsedMs
  const lengths = {
    probe: { least: atMostMs / 60, most: atMostMs / 6, requests: probed },
    search: { least: atMostMs / 10, most: 0.4 * atMostMs, requests },
    confirm: { least: LONG * atMostMs, most: 0.4 * atMostMs, requests },
  }
  const run = (rate: number, kind: RunKind) => {
    const { least, most: longest, requests: needed } = lengths[kind]
    const lengthMs = Math.min(leftMs, longest, Math.max(least, (1000 * needed) / rate))
    // a run that is cut short would only mislead; no run has a length of 0
    return lengthMs < least / 2 ? null : { rate, kind, lengthMs: Math.max(1, Math.round(lengthMs)) }
  }
  // at a low load a short run has too few requests for a verdict
  const search = (rate: number) => run(rate, rate * lengths.search.least < 2000 * requests ? 'confirm' : 'search')
  const { low, high } = bracketOf(steps)
  if (low === null && high === null) return run(from, 'probe')
  if (low === null) {
    const { rate, cause } = high as Step
    if (isLeast(high as Step, from)) return null
    if (cause !== 'too-short') return run(rate / 2, 'probe')
    // a lower load has fewer requests, and so may have too few in any time
    return (rate / 2) * Math.min(leftMs, lengths.confirm.most) < 1000 * requests ? null : search(rate / 2)
  }
  if (high === null && low.rate < Math.min(most, MOST)) return run(Math.min(most, MOST, 2 * low.rate), 'probe')
  if (low.cause !== null) return search(low.rate)
  const between = high !== null && isWide(low, high) ? Number(((low.rate + high.rate) / 2).toPrecision(3)) : null
  if (between !== null && elapsedMs < SEARCHED * atMostMs && !isRefuted(steps)) return search(between)
  if (!isConfirmed(low, atMostMs)) return run(low.rate, 'confirm')
  return between === null ? null : run(between, 'confirm')
}

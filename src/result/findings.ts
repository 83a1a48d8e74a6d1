import { HIGHEST_NS } from '../histogram/buckets.js'
import { isStationary, meanRate } from '../scenario/arrivals/arrivals.js'
import { servicesOf } from '../scenario/classes.js'
import { unknownTime } from '../scenario/good.js'
import { NS_PER_SECOND } from '../scenario/nanoseconds.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import { maxThroughput, type Service, varies } from '../scenario/service/service.js'
import { mean } from '../statistics/descriptive.js'
import { count, time } from '../text/number.js'
import { type Recording, serversIn } from './recording.js'
import { ESTIMATES, nameOf, type Summary } from './summary.js'
import { unsteadyFinding } from './unsteady.js'
import type { Finding } from './validity.js'

/** The rounding error of two rates that should be equal. */
const ROUNDING = 1e-12

/** The findings that a recording of any engine may have. */
export function findingsOf(recording: Recording): Finding[] {
  if (recording.replications !== undefined || recording.merged !== undefined) return [...recording.findings]
  const own = [
    saturatedFinding(recording),
    littlesLawFinding(recording),
    unfinishedFinding(recording),
    overAnHourFinding(recording),
    goodputUnknownFinding(recording),
  ]
  const findings = [...recording.findings, ...own.filter((finding) => finding !== null)]
  // a growing backlog explains why halves differ
  const drift = findings.some(({ code }) => code === 'saturated') ? null : unsteadyFinding(recording)
  return drift === null ? findings : [...findings, drift]
}

/**
 * Finds an overload: more is offered than the servers can sustain, or the backlog grew in each quarter of the window and
 * ended well above any fluctuation about a steady state.
 */
function saturatedFinding(recording: Recording): Finding | null {
  const { segments, counts, startNs, endNs, completions, scenario, findings } = recording
  // the engine may have found it
  if (findings.some(({ code }) => code === 'saturated')) return null
  const last = segments.at(-1)
  if (last === undefined) return null

  const simulated = recording.engine === 'simulate' ? scenario : null
  const capacity = simulated === null ? null : sustainedRate(simulated)
  const backlog = last.inSystem
  const overload = simulated === null || capacity === null ? null : offeredBeyond(simulated, capacity)
  if (overload === null && !grewThroughout(recording)) return null

  const seconds = (endNs - startNs) / NS_PER_SECOND
  const completed = completions / seconds
  const offered = overload ?? counts.offered / seconds
  const most = simulated === null || capacity === null ? '' : `; ${capacityText(simulated)} at most ${rate(capacity)}`
  return {
    code: 'saturated',
    severity: 'error',
    message:
      overload === null
        ? `${rate(offered)} were offered and ${rate(completed)} completed${most}: the backlog grew throughout, to ${count(backlog)} requests, so there is no steady state to report`
        : `${rate(offered)} are offered${most}: the backlog grows for as long as the run lasts, to ${count(backlog)} requests here, so there is no steady state to report`,
    figures: { offered, completed, backlog, ...(capacity !== null && { capacity }) },
  }
}

/** The highest rate that a simulation's servers can sustain; null if it is unlimited. */
function sustainedRate({ service, classes, batching, servers }: ResolvedScenario): number | null {
  if (service === undefined) return null
  const most = maxThroughput(
    service,
    batching.maxBatchSize ?? Number.POSITIVE_INFINITY,
    servers ?? Number.POSITIVE_INFINITY,
    servicesOf(service, classes),
  )
  return Number.isFinite(most) ? most : null
}

function capacityText({ servers, batching }: ResolvedScenario): string {
  const { maxBatchSize } = batching
  const who = servers === 1 ? '1 server sustains' : `${count(servers ?? Number.POSITIVE_INFINITY)} servers sustain`
  if (maxBatchSize === 1) return who
  return `${who}, in batches of ${maxBatchSize === null ? 'any size' : `up to ${count(maxBatchSize)}`},`
}

/**
 * The offered rate, if it is more than can be sustained for ever. Null if it is not, if the queue rejects the rest, or if
 * the arrivals have no constant rate.
 */
function offeredBeyond({ arrivals, service, classes, queue }: ResolvedScenario, capacity: number): number | null {
  if (queue.capacity !== null || queue.timeout !== null || !isStationary(arrivals)) return null
  const offered = meanRate(arrivals)
  if (offered === null) return null
  // exactly the capacity is sustained only if nothing varies
  const services = servicesOf(service as Service, classes)
  const inStep =
    arrivals.process === 'constant' && services.length === 1 && !services.some((each) => varies(each.service))
  return offered > capacity * (inStep ? 1 + ROUNDING : 1 - ROUNDING) ? offered : null
}

/** Servers that were busy for this fraction of the window had no spare capacity. */
const BUSY = 0.95

function isBusyThroughout(recording: Recording): boolean {
  const { servingNs, startNs, endNs } = recording
  const servers = serversIn(recording)
  return servingNs !== null && servers !== null && servingNs > BUSY * servers * (endNs - startNs)
}

/** Whether the backlog grew in each quarter, by more than chance: n arrivals and departures drift by about sqrt(2n). */
function grewThroughout(recording: Recording): boolean {
  const { segments, counts, inSystemAtStart, scenario, batchSizes } = recording
  if (segments.length < 4 || scenario?.arrivals.process === 'closed') return false
  // with varying arrivals, a growing backlog is an overload only if the servers had no spare capacity
  if (scenario !== null && !isStationary(scenario.arrivals) && !isBusyThroughout(recording)) return false
  const grown = (segments.at(-1)?.inSystem ?? 0) - inSystemAtStart
  const batch = scenario === null ? Math.max(1, ...batchSizes.keys()) : (scenario.batching.maxBatchSize ?? 1)
  const chance = 3 * Math.sqrt(2 * counts.offered) + 2 * batch * (serversIn(recording) ?? 1)
  const quarters = [1, 2, 3, 4].map((quarter) => {
    const own = segments.slice(
      Math.floor(((quarter - 1) * segments.length) / 4),
      Math.floor((quarter * segments.length) / 4),
    )
    return mean(own.map(({ inSystem }) => inSystem))
  })
  return grown > chance && quarters.every((mean, i) => i === 0 || mean > (quarters[i - 1] as number))
}

/** Checks that the number in the system, integrated, equals the sum of all stays. */
function littlesLawFinding({ engine, inSystemNs, staysNs, startNs, endNs }: Recording): Finding | null {
  const difference = Math.abs(inSystemNs - staysNs)
  // each addition of doubles is exact to about 1e-15
  if (difference <= 1e-9 * Math.max(inSystemNs, staysNs) + 1) return null
  const integrated = inSystemNs / (endNs - startNs)
  const fromStays = staysNs / (endNs - startNs)
  const cause =
    engine === 'record'
      ? 'a request probably ended twice, or was recorded without start()'
      : 'this is a bug in throughline, please report it'
  return {
    code: 'littles-law',
    severity: 'error',
    message: `${Number(integrated.toPrecision(6))} requests were in the system on average, but the sum of their times in the system gives ${Number(fromStays.toPrecision(6))}. The two must be equal: ${cause}`,
    figures: { integrated, fromStays },
  }
}

function unfinishedFinding({ counts }: Recording): Finding | null {
  if (counts.unfinished === 0) return null
  return {
    code: 'cut-off',
    severity: 'error',
    message: `${count(counts.unfinished)} of ${count(counts.offered)} requests were unfinished when the run ended: the percentiles are lower bounds`,
    figures: { unfinished: counts.unfinished, offered: counts.offered },
  }
}

function overAnHourFinding({ histograms }: Recording): Finding | null {
  if (histograms.latency.max <= HIGHEST_NS) return null
  return {
    code: 'over-an-hour',
    severity: 'warning',
    message:
      'some requests took longer than an hour: they are counted as an hour in percentiles (min, mean and max are exact)',
    figures: { maxMs: histograms.latency.max / 1e6 },
  }
}

const MISSING_TIMES = {
  first:
    'the time until a response begins, and no response was seen to begin: an HTTP response needs a body, and a handler or call marks it with first()',
  between:
    'the gaps between events, and no response had two of them: they are found by http.stream, and a handler or call marks them with next()',
}

/** Finds that requests cannot be judged by a time that no response had. */
function goodputUnknownFinding({ scenario, histograms, counts }: Recording): Finding | null {
  const time = unknownTime(scenario?.good, (each) => histograms[each] !== undefined)
  if (time === null || counts.good !== undefined) return null
  return {
    code: 'goodput-unknown',
    severity: 'warning',
    message: `goodput is unknown: good.${time} limits ${MISSING_TIMES[time]}`,
    figures: { completed: counts.completed },
  }
}

/** Finds the latency percentiles that have no interval, and why. */
export function tooFewSamplesFindings({ count: requests, intervals }: Summary): Finding[] {
  const without = ESTIMATES.filter((estimate) => estimate !== 'mean' && intervals[estimate].low === null)
  const [first] = without
  if (first === undefined) return []
  const listed = without.map(nameOf).join(', ')
  return [
    {
      code: 'too-few-samples',
      severity: 'info',
      message: `no 95 % interval for ${listed}: ${intervals[first].reason}`,
      figures: { requests },
    },
  ]
}

const rate = (perSecond: number) => `${Number(perSecond.toPrecision(4)).toLocaleString('en')}/s`

/**
 * Finds that a run is in progress: requests in flight are in no figure yet. It is a warning if one of them is older than any
 * answered request took.
 *
 * @param oldestMs how long ago the oldest of them was due; not finite if there is none
 * @param longestMs the longest latency so far
 */
export function inProgressFinding(inFlight: number, oldestMs: number, longestMs: number): Finding {
  const ageMs = Math.max(0, Number.isFinite(oldestMs) ? oldestMs : 0)
  const hides = inFlight > 0 && ageMs > longestMs
  const what =
    inFlight === 0
      ? 'no request is in flight'
      : `${inFlight === 1 ? '1 request is' : `${count(inFlight)} requests are`} in flight and not in these figures`
  const age = inFlight === 0 || ageMs === 0 ? '' : `, the oldest due ${time(ageMs)} ago`
  return {
    code: 'in-progress',
    severity: hides ? 'warning' : 'info',
    message: `the run is in progress: ${what}${age}${hides ? ', longer than any answered one took' : ''}`,
    figures: { inFlight, oldestMs: ageMs },
  }
}

import { HIGHEST_NS } from '../histogram/latency-histogram.js'
import { isStationary, meanRate } from '../scenario/arrivals/arrivals.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import { maxThroughput, type Service, varies } from '../scenario/service/service.js'
import { NS_PER_SECOND } from '../scenario/units.js'
import { type Recording, serversIn } from './recording.js'
import { ESTIMATES, nameOf, type Summary } from './summary.js'
import { unsteady } from './unsteady.js'
import type { Finding } from './validity.js'

/** How far apart two rates that are meant to be the same may be computed. */
const ROUNDING = 1e-12

/** What any recording, simulated or measured, has to say about itself. */
export function findingsOf(recording: Recording): Finding[] {
  if (recording.replications !== undefined) return [...recording.findings]
  const own = [saturated(recording), littlesLaw(recording), unfinished(recording), overAnHour(recording)]
  const findings = [...recording.findings, ...own.filter((finding) => finding !== null)]
  // a backlog that grows is reason enough for halves to disagree
  const drift = findings.some(({ code }) => code === 'saturated') ? null : unsteady(recording)
  return drift === null ? findings : [...findings, drift]
}

/**
 * More is offered than the servers carry, or the backlog grew throughout: it ended well above any fluctuation about a
 * steady state, having grown in each quarter of the window.
 */
function saturated(recording: Recording): Finding | null {
  const { segments, counts, startNs, endNs, completions, scenario, findings } = recording
  // the engine may have seen it happen
  if (findings.some(({ code }) => code === 'saturated')) return null
  const last = segments.at(-1)
  if (last === undefined) return null

  const simulated = recording.engine === 'simulate' ? scenario : null
  const capacity = simulated === null ? null : carriedBy(simulated)
  const backlog = last.inSystem
  const overload = simulated === null || capacity === null ? null : offeredBeyond(simulated, capacity)
  if (overload === null && !grewThroughout(recording)) return null

  const seconds = (endNs - startNs) / NS_PER_SECOND
  const completed = completions / seconds
  const offered = overload ?? counts.offered / seconds
  const most = simulated === null || capacity === null ? '' : `; ${carriers(simulated)} at most ${rate(capacity)}`
  return {
    code: 'saturated',
    severity: 'error',
    message:
      overload === null
        ? `${rate(offered)} were offered and ${rate(completed)} completed${most}: the backlog grew throughout, to ${count(backlog)} requests, so there is no steady state to report`
        : `${rate(offered)} are offered${most}: the backlog grows for as long as the run goes on, to ${count(backlog)} requests here, so there is no steady state to report`,
    figures: { offered, completed, backlog, ...(capacity !== null && { capacity }) },
  }
}

/** The most that a simulation's servers carry; null where there is no limit to it. */
function carriedBy({ service, batching, servers }: ResolvedScenario): number | null {
  if (service === undefined) return null
  const most = maxThroughput(
    service,
    batching.maxBatchSize ?? Number.POSITIVE_INFINITY,
    servers ?? Number.POSITIVE_INFINITY,
  )
  return Number.isFinite(most) ? most : null
}

function carriers({ servers, batching }: ResolvedScenario): string {
  const { maxBatchSize } = batching
  const who = servers === 1 ? '1 server carries' : `${count(servers ?? Number.POSITIVE_INFINITY)} servers carry`
  if (maxBatchSize === 1) return who
  return `${who}, in batches of ${maxBatchSize === null ? 'any size' : `up to ${count(maxBatchSize)}`},`
}

/**
 * The rate that is offered, where it is beyond what can be carried for ever: null where it is within, where the queue
 * turns the rest away, or where the process has no rate that it keeps to.
 */
function offeredBeyond({ arrivals, service, queue }: ResolvedScenario, capacity: number): number | null {
  if (queue.capacity !== null || queue.timeout !== null || !isStationary(arrivals)) return null
  const offered = meanRate(arrivals)
  if (offered === null) return null
  // exactly as much is carried only where nothing varies
  const inStep = arrivals.process === 'constant' && !varies(service as Service)
  return offered > capacity * (inStep ? 1 + ROUNDING : 1 - ROUNDING) ? offered : null
}

/** Servers that were busy for this fraction of the window had nothing to spare. */
const BUSY = 0.95

function isBusyThroughout(recording: Recording): boolean {
  const { servingNs, startNs, endNs } = recording
  const servers = serversIn(recording)
  return servingNs !== null && servers !== null && servingNs > BUSY * servers * (endNs - startNs)
}

/** By chance alone, n arrivals and as many departures drift by some sqrt(2n) requests. */
function grewThroughout(recording: Recording): boolean {
  const { segments, counts, inSystemAtStart, scenario, batchSizes } = recording
  if (segments.length < 4 || scenario?.arrivals.process === 'closed') return false
  // a backlog that follows the arrivals shows an overload only if the servers had nothing to spare
  if (scenario !== null && !isStationary(scenario.arrivals) && !isBusyThroughout(recording)) return false
  const grown = (segments.at(-1)?.inSystem ?? 0) - inSystemAtStart
  const batch = scenario === null ? Math.max(1, ...batchSizes.keys()) : (scenario.batching.maxBatchSize ?? 1)
  const chance = 3 * Math.sqrt(2 * counts.offered) + 2 * batch * (serversIn(recording) ?? 1)
  const quarters = [1, 2, 3, 4].map((quarter) => {
    const stretch = segments.slice(
      Math.floor(((quarter - 1) * segments.length) / 4),
      Math.floor((quarter * segments.length) / 4),
    )
    return stretch.reduce((sum, segment) => sum + segment.inSystem, 0) / stretch.length
  })
  return grown > chance && quarters.every((mean, i) => i === 0 || mean > (quarters[i - 1] as number))
}

/** The mean number in the system, integrated on its own, must equal the stays added up. */
function littlesLaw({ inSystemNs, staysNs, startNs, endNs }: Recording): Finding | null {
  const difference = Math.abs(inSystemNs - staysNs)
  // doubles hold sums of nanoseconds to some 1e-15 of each addition
  if (difference <= 1e-9 * Math.max(inSystemNs, staysNs) + 1) return null
  const integrated = inSystemNs / (endNs - startNs)
  const fromStays = staysNs / (endNs - startNs)
  return {
    code: 'littles-law',
    severity: 'error',
    message: `${integrated.toPrecision(6)} requests were in the system on average, but their stays add up to ${fromStays.toPrecision(6)}: one of the two is wrong`,
    figures: { integrated, fromStays },
  }
}

function unfinished({ counts }: Recording): Finding | null {
  if (counts.unfinished === 0) return null
  return {
    code: 'cut-off',
    severity: 'error',
    message: `${count(counts.unfinished)} of ${count(counts.offered)} requests were unfinished when the run ended: the percentiles are lower bounds`,
    figures: { unfinished: counts.unfinished, offered: counts.offered },
  }
}

function overAnHour({ histograms }: Recording): Finding | null {
  if (histograms.latency.max <= HIGHEST_NS) return null
  return {
    code: 'over-an-hour',
    severity: 'warning',
    message:
      'some requests took longer than an hour: they are counted as an hour in percentiles (min, mean and max are exact)',
    figures: { maxMs: histograms.latency.max / 1e6 },
  }
}

/** Where a latency percentile has no interval: which, and why. */
export function tooFewSamples({ count: requests, intervals }: Summary): Finding[] {
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

const count = (requests: number) => requests.toLocaleString('en')
const rate = (perSecond: number) => `${Number(perSecond.toPrecision(4)).toLocaleString('en')}/s`

import { NS_PER_SECOND } from '../scenario/units.js'
import type { Recording } from './recording.js'
import { HIGHEST_NS } from './tally.js'
import type { Finding } from './validity.js'

/** What any recording, simulated or measured, has to say about itself. */
export function findingsOf(recording: Recording): Finding[] {
  const own = [saturated(recording), littlesLaw(recording), unfinished(recording), overAnHour(recording)]
  return [...recording.findings, ...own.filter((finding) => finding !== null)]
}

/**
 * The backlog grew throughout: it ended well above any fluctuation about a steady state, having grown in each
 * quarter of the window. By chance alone, n arrivals and as many departures drift by some sqrt(2n) requests.
 */
function saturated(recording: Recording): Finding | null {
  const { segments, counts, inSystemAtStart, scenario, findings } = recording
  // the engine may have seen it happen
  if (findings.some(({ code }) => code === 'saturated')) return null
  const last = segments.at(-1)
  if (last === undefined || segments.length < 4 || scenario.arrivals.process === 'closed') return null

  const grown = last.inSystem - inSystemAtStart
  const batch = scenario.batching.maxBatchSize ?? 1
  const chance = 3 * Math.sqrt(2 * counts.offered) + 2 * batch * scenario.servers
  const quarters = [1, 2, 3, 4].map((quarter) => {
    const stretch = segments.slice(
      Math.floor(((quarter - 1) * segments.length) / 4),
      Math.floor((quarter * segments.length) / 4),
    )
    return stretch.reduce((sum, segment) => sum + segment.inSystem, 0) / stretch.length
  })
  const throughout = quarters.every((mean, i) => i === 0 || mean > (quarters[i - 1] as number))
  if (grown <= chance || !throughout) return null

  const seconds = (recording.endNs - recording.startNs) / NS_PER_SECOND
  const offered = counts.offered / seconds
  const completed = recording.completions / seconds
  return {
    code: 'saturated',
    severity: 'error',
    message: `${rate(offered)} were offered and ${rate(completed)} completed: the backlog grew throughout, to ${count(last.inSystem)} requests, so there is no steady state to report`,
    figures: { offered, completed, backlog: last.inSystem },
  }
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

function overAnHour({ tallies }: Recording): Finding | null {
  if (tallies.latency.max <= HIGHEST_NS) return null
  return {
    code: 'over-an-hour',
    severity: 'warning',
    message:
      'some requests took longer than an hour: they are counted as an hour in percentiles (min, mean and max are exact)',
    figures: { maxMs: tallies.latency.max / 1e6 },
  }
}

const count = (requests: number) => requests.toLocaleString('en')
const rate = (perSecond: number) => `${Number(perSecond.toPrecision(4)).toLocaleString('en')}/s`

import { sumBy } from '../../statistics/descriptive.js'
import type { ClassResult, ClassSegment } from '../classes.js'
import { CLASS_METRICS, totalOf } from '../recording.js'
import type { Result } from '../result.js'
import { areSame, contradictionInGoodput, contradictionInRates } from './counts.js'
import { Buckets, bucketsOf } from './histograms.js'
import { contradictionOfResponses } from './responses.js'
import { type Contradiction, same } from './rounding.js'
import { contradictionInSegments, nameOfTimes } from './segments.js'

/** A contradiction within classes, or between them and the whole; null if there is none. */
export function contradictionOfClasses(whole: Result): Contradiction | null {
  const { classes, counts, segments, window } = whole
  if (classes === undefined) return null
  const all = Object.values(classes)
  const seconds = (window.endMs - window.startMs) / 1000
  for (const [name, each] of Object.entries(classes)) {
    const at = `classes.${name}`
    const { offered, completed } = each.counts
    if (!same(each.offeredPerSecond, offered / seconds)) {
      return [`${at}.offeredPerSecond`, 'must be counts.offered divided by the length of the window']
    }
    if (completed !== (each.latencyMs?.count ?? 0)) {
      return [`${at}.counts.completed`, 'must equal the number of latencies']
    }
    if ((each.rates === null) !== (offered === 0))
      return [`${at}.rates`, 'must be null exactly when no request was offered']
    const inRates = each.rates === null ? null : contradictionInRates(each.rates, each.counts, `${at}.`)
    if (inRates !== null) return inRates
    const inGoodput = contradictionInGoodput(each.goodput, each.counts, `${at}.`, seconds)
    if (inGoodput !== null) return inGoodput
    const inResponses = contradictionOfResponses(each, `${at}.`)
    if (inResponses !== null) return inResponses
    if (each.segments.length !== segments.length)
      return [`${at}.segments`, 'must be as many segments as the whole result has']
    const inSegments = contradictionInSegments(each.segments, each, `${at}.`, 'class')
    if (inSegments !== null) return inSegments
  }
  if (!areSame(totalOf(all.map((each) => each.counts)), counts))
    return ['classes', 'must add up to the counts of the whole']
  for (const [k, segment] of segments.entries()) {
    const own = all.map((each) => (each.segments[k] as ClassSegment).counts)
    if (!areSame(totalOf(own), segment.counts)) return ['classes', `must add up to the counts of segments.${k}`]
  }
  return contradictionOfTimes(all, whole)
}

/** Finds a time whose classes together differ from the whole result; null if there is none. */
function contradictionOfTimes(classes: readonly ClassResult[], whole: Result): Contradiction | null {
  for (const metric of CLASS_METRICS) {
    const own = classes.flatMap((each) => each[`${metric}Ms`] ?? [])
    // a result stored without the times of responses of its classes stays readable
    if (own.length === 0) continue
    const ofWhole = whole[`${metric}Ms`]
    const buckets = new Buckets()
    for (const each of own) buckets.add(bucketsOf(each))
    const isWhole = sumBy(own, ({ count }) => count) === ofWhole?.count && buckets.hold(bucketsOf(ofWhole))
    if (!isWhole) return ['classes', `must hold the same ${nameOfTimes(metric)} as the whole result`]
  }
  return null
}

import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { meanRate } from '../../scenario/arrivals/arrivals.js'
import { lengthMs } from '../../scenario/arrivals/ramps.js'
import { countOf } from '../../scenario/by-hash.js'
import type { Classes } from '../../scenario/classes.js'
import type { Good } from '../../scenario/good.js'
import { pathOfStored } from '../../scenario/http/requests.js'
import type { StoredHttp } from '../../scenario/http.js'
import type { ResolvedScenario, StoredScenario } from '../../scenario/scenario.js'
import { targetName } from '../../scenario/target.js'
import { sumBy } from '../../statistics/descriptive.js'
import { count, inText, percent, plural, rate, time } from '../../text/number.js'

/** Describes a scenario in three lines: its arrivals, its batching, and its servers; and which requests are good, if it says so. */
export function describeScenario(scenario: StoredScenario, engine: 'simulate' | 'measure' | 'record'): string[] {
  const { arrivals, classes, batching, queue, service, good } = scenario
  const served = engine === 'simulate' ? service && serviceLine(service) : targetLine(scenario)
  // without servers there is no queue to serve one at a time
  const unbatched = batching.maxBatchSize === 1 && scenario.servers === null && engine !== 'simulate'
  const batched = (unbatched ? 'each on its own' : batchingLine(batching)) + queueLine(queue)
  return [
    arrivalsLine(arrivals),
    ...(classes === undefined ? [] : [classesLine(classes, engine)]),
    batched,
    `${serversLine(scenario)}${served === undefined ? '' : `: ${served}`}`,
    ...(good === undefined ? [] : [`good: ${describeLimits(good)}`]),
  ]
}

/** How many classes are named; of more, the number is. */
const MOST_NAMED = 6

/** `classes: 20 % checkout (40 ms a batch), 80 % browse`. */
function classesLine(classes: Classes, engine: 'simulate' | 'measure' | 'record'): string {
  const all = Object.entries(classes)
  const total = sumBy(all, ([, { weight }]) => weight)
  const named = all.slice(0, MOST_NAMED).map(([name, { weight, service }]) => {
    const own = service === undefined || engine !== 'simulate' ? '' : ` (${serviceLine(service)})`
    return `${percent(weight / total)} ${name}${own}`
  })
  const more = all.length > MOST_NAMED ? ` and ${count(all.length - MOST_NAMED)} more` : ''
  return `classes: ${named.join(', ')}${more}`
}

/** Describes the limits of a good request: `latency within 100 ms and queueing within 20 ms`. */
export function describeLimits(good: Good): string {
  const nameOf = (name: string) => (name === 'between' ? 'gaps between events' : name)
  const limits = Object.entries(good).flatMap(([name, ms]) =>
    ms === undefined ? [] : [`${nameOf(name)} within ${time(ms)}`],
  )
  return limits.length < 2 ? limits.join('') : `${limits.slice(0, -1).join(', ')} and ${limits.at(-1)}`
}

function serversLine({ servers, call, http }: StoredScenario): string {
  const what = call === undefined && http === undefined ? 'server' : 'in flight'
  if (servers === null) return 'unlimited requests in flight'
  return what === 'server' ? plural(servers, 'server') : `${count(servers)} in flight`
}

function targetLine(scenario: StoredScenario): string | undefined {
  const { handler, call, http } = scenario
  if (http === undefined && call === undefined && handler === undefined) return undefined
  if (typeof handler === 'string') return relativePath(handler)
  const requests = http?.requests
  return requests === undefined ? targetName(scenario) : `${targetName(scenario)}, ${requestsText(requests)}`
}

function requestsText(requests: NonNullable<StoredHttp['requests']>): string {
  const sent = pathOfStored(requests)
  if (typeof sent === 'string') return `requests from ${relativePath(sent)}`
  if ('function' in sent) return 'requests from a function'
  const kinds = countOf(sent)
  return `${plural(kinds, 'kind')} of requests`
}

/** Shortens the path of a file below the working directory. */
function relativePath(handler: string): string {
  const path = handler.startsWith('file:') ? fileURLToPath(handler) : handler
  const from = relative(process.cwd(), path)
  return from.startsWith('..') ? path : from
}

function arrivalsLine(arrivals: ResolvedScenario['arrivals']): string {
  switch (arrivals.process) {
    case 'constant':
      return `${rate(arrivals.rate)} at even intervals`
    case 'poisson':
      return `${rate(arrivals.rate)} at random (Poisson)`
    case 'renewal':
      return `${rate(arrivals.rate)} with gaps that vary (${variationName(arrivals.variation)})`
    case 'onOff':
      return `${rate(meanRate(arrivals) as number)} in bursts (${rate(arrivals.rate)} for ${time(arrivals.on)} on, none for ${time(arrivals.off)} off)`
    case 'stages': {
      const rates = arrivals.stages.map((stage) => stage.rate)
      const ends = [Math.min(...rates, arrivals.from ?? Number.POSITIVE_INFINITY), Math.max(...rates)]
      const stages = plural(rates.length, 'stage')
      return `${stages} of ${ends[0] === ends[1] ? '' : `${rate(ends[0] as number)} to `}${rate(ends[1] as number)} over ${time(lengthMs(arrivals))}`
    }
    case 'replay': {
      const speed = (arrivals.speed ?? 1) === 1 ? '' : ` at ${inText(arrivals.speed as number)} times their speed`
      return `${count(countOf(arrivals.timestamps))} replayed requests${speed}`
    }
    case 'closed': {
      const think = arrivals.thinkTime.mean === 0 ? '' : ` that think for ${time(arrivals.thinkTime.mean)}`
      return `${plural(arrivals.clients, 'client')}${think}`
    }
  }
}

function batchingLine({ maxBatchSize, maxWait }: ResolvedScenario['batching']): string {
  if (maxBatchSize === 1) return 'served one at a time'
  const size = maxBatchSize === null ? 'in batches of any size' : `in batches of up to ${count(maxBatchSize)}`
  if (maxWait === null) return `in full batches of ${count(maxBatchSize as number)}`
  return maxWait === 0 ? size : `${size} that wait up to ${time(maxWait)}`
}

function queueLine({ capacity, timeout }: ResolvedScenario['queue']): string {
  const limits = [
    capacity === null ? '' : `a queue of up to ${plural(capacity, 'request')}`,
    timeout === null ? '' : `a timeout of ${time(timeout)}${capacity === null ? ' in the queue' : ''}`,
  ].filter(Boolean)
  return limits.length === 0 ? '' : `, with ${limits.join(' and ')}`
}

function serviceLine(service: NonNullable<ResolvedScenario['service']>): string {
  const extras = [service.stalls && 'stalls', service.overhead && 'overhead'].filter(Boolean)
  const suffix = extras.length === 0 ? '' : `, with ${extras.join(' and ')}`
  return describeServiceTime(service) + suffix
}

function describeServiceTime(service: NonNullable<ResolvedScenario['service']>): string {
  if (service.model === 'byBatchSize') {
    const sizes = Object.entries(service.points)
    const ends = sizes.length === 1 ? [sizes[0]] : [sizes[0], sizes.at(-1)]
    return ends
      .map((end) => `${time(end?.[1].mean ?? 0)} for ${end?.[0] === '1' ? '' : 'a batch of '}${end?.[0]}`)
      .join(' to ')
  }
  if (service.model === 'recorded') return `${count(countOf(service.times))} recorded batches`
  const { base, perItem, variation } = service
  const parts = [
    base > 0 || perItem === 0 ? `${time(base)} a batch` : '',
    perItem > 0 ? `${time(perItem)} a request` : '',
  ]
  const law = variation === undefined || variation.distribution === 'none' ? '' : ` (${variationName(variation)})`
  return parts.filter(Boolean).join(' and ') + law
}

function variationName(variation: { distribution: string; cv?: number }): string {
  return variation.cv === undefined ? variation.distribution : `${variation.distribution}, cv ${variation.cv}`
}

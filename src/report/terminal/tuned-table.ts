import { checkIsTuned } from '../../explore/tune/check-tuned.js'
import type { Headroom } from '../../explore/tune/headroom.js'
import type { Tuned, TunedSetting } from '../../explore/tune/tuned.js'
import { makeLegible } from '../../text/legible.js'
import { closePercentage, count, inText, percent, threeDigits, time, timeUnit } from '../../text/number.js'
import { plain, type RenderOptions, type Style } from '../../text/style.js'
import { renderParagraph } from '../../text/wrap.js'
import { type Column, table } from './table.js'

/**
 * Renders what `tune` found for the terminal: the recommendation with its reason, what comes nearest to it, the settings
 * to choose from and the outcome of each candidate.
 *
 * @throws ValidationError if it is not what `tune` returns
 * @example
 * const scenario = { arrivals: '400/s', service: affine({ base: '7.5ms', perItem: '0.25ms' }), stop: { requests: 10_000 } }
 * console.log(renderTuned(await tune(scenario, { budget: { p99: '40ms' } }), { width: 100 }))
 */
export function renderTuned(given: Tuned, options: RenderOptions = {}): string {
  checkIsTuned(given)
  const { width = 80, style = plain } = options
  const tuned = makeLegible(given)
  const { best, sentence, nearest, front, candidates, runs, grid, unsearched } = tuned
  const paragraph = (text: string) => renderParagraph(text, width)
  const parts = [
    renderParagraph(sentence, width, (line) => style(best === null ? 'yellow' : 'bold', line)),
    best === null ? '' : paragraph(confirmationText(tuned)),
    nearest === null ? '' : paragraph(nearest.sentence),
    front.length === 0 ? '' : settingsTable(front, style),
    candidates.length > 1 || best === null
      ? candidates.map(({ name, outcome }) => paragraph(`${name ?? 'The service'} ${outcome}.`)).join('\n')
      : '',
    unsearched.length === 0 ? '' : paragraph(`Not searched: ${unsearched.join('; ')}.`),
    ` ${style('dim', `${count(runs)} runs, of ${count(grid)} settings`)}`,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** How the recommended setting did in its long run, and what it costs and wastes. */
export function confirmationText({ best }: Tuned): string {
  if (best === null) return ''
  const { result, headroom, cost } = best
  const idle = cost.idle === null ? [] : [`${percent(cost.idle)} of server time is idle`]
  const perServer = cost.perServer === null ? [] : [`each server completes ${inText(cost.perServer)} requests a second`]
  const perMillion = cost.perMillion === null ? [] : [`a million requests cost ${inText(cost.perMillion)}`]
  const facts = [...perMillion, ...idle, ...perServer]
  const uses = `${facts.join(', ').replace(/^./, (letter) => letter.toUpperCase())}.`
  if (result === null) return `Not confirmed. ${uses}`
  const { p99, count: completed } = result.latencyMs
  const by = best.isLonger ? `${count(completed)} new requests` : `all ${count(completed)} requests available`
  const confirmed = `Confirmed in a run of ${by}, with a p99 of ${time(p99)}. ${uses}`
  if (headroom === null) return confirmed
  const { idle: idleFraction } = cost
  const { growth } = headroom
  // one by one, the load could only grow into the idle time
  const batchesGrow = growth !== null && idleFraction !== null && growth * (1 - idleFraction) > 2 * idleFraction
  return `${confirmed} ${headroomText(headroom)}${batchesGrow ? ` ${BATCHES_GROW}` : ''}`
}

const BATCHES_GROW = 'Little idle time does not mean overload here: at a higher load, batches are larger.'

/** By how much the load may grow, with its interval. */
export function headroomText({ growth, most, low, high, limit }: Headroom): string {
  const saturated = limit === 'saturation'
  if (growth === null && limit === null) {
    const highest = `${inText(1 + most)} times this load, the highest that was tried`
    if (low === most) return `The budget is kept at up to ${highest}.`
    const passes =
      low === null ? 'no run is long enough for a pass' : `the verdict is a pass only up to ${inText(1 + low)} times`
    return `The observed figures keep the budget at up to ${highest}, but ${passes}.`
  }
  if (growth === null) {
    return `${saturated ? 'The service is saturated' : 'The budget breaks'} at any load down to a twentieth of this one.`
  }
  if (growth < 0) {
    const now = saturated ? 'The service is saturated' : 'The budget is broken'
    return `${now}; reduce the load by ${percent(-growth)} to keep ${saturated ? 'the budget' : 'it'}.`
  }
  const ends = [low, high].map((end) => (end === null ? '?' : percent(end)))
  const then = saturated ? 'the service saturates' : 'the budget breaks'
  return `The load may grow by ${percent(growth)} before ${then} (95 % interval ${ends.join(' to ')}).`
}

/** The columns of settings: those that say something of at least one of them. */
export function settingColumns(
  settings: readonly TunedSetting[],
): { header: string; of: (each: TunedSetting) => string }[] {
  const unit = timeUnit(settings.map(({ p99Ms }) => p99Ms ?? 0))
  const some = (has: (each: TunedSetting) => unknown) => settings.some((each) => has(each) !== null)
  const or = (value: number | null, text: (value: number) => string) => (value === null ? '–' : text(value))
  return [
    ...(some(({ candidate }) => candidate)
      ? [{ header: 'candidate', of: ({ candidate }: TunedSetting) => candidate ?? '' }]
      : []),
    ...(some(({ quality }) => quality)
      ? [{ header: 'quality', of: ({ quality }: TunedSetting) => or(quality, threeDigits) }]
      : []),
    { header: 'servers', of: ({ servers }) => count(servers) },
    { header: 'batch\nsize', of: ({ batching }) => count(batching.maxBatchSize) },
    { header: 'wait\nms', of: ({ batching }) => inText(batching.maxWait) },
    { header: `p99\n${unit.name}`, of: ({ p99Ms }) => or(p99Ms, (ms) => threeDigits(ms / unit.ms)) },
    ...(some(({ goodput }) => goodput)
      ? [{ header: 'good\n%', of: ({ goodput }: TunedSetting) => or(goodput, closePercentage) }]
      : []),
    ...(some(({ cost }) => cost.perHour)
      ? [
          { header: 'cost\n/hour', of: ({ cost }: TunedSetting) => or(cost.perHour, threeDigits) },
          { header: 'cost\n/million', of: ({ cost }: TunedSetting) => or(cost.perMillion, threeDigits) },
        ]
      : []),
    { header: 'idle', of: ({ cost }) => or(cost.idle, percent) },
    { header: '/s\n/server', of: ({ cost }) => or(cost.perServer, threeDigits) },
  ]
}

function settingsTable(settings: readonly TunedSetting[], style: Style): string {
  const columns = settingColumns(settings)
  return table(
    columns.map(({ header }): Column => ({ header, align: header === 'candidate' ? 'left' : 'right' })),
    settings.map((each) => columns.map(({ of }) => of(each))),
    style,
  )
}

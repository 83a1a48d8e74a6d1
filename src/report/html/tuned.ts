import { keyOf, type Tuned, type TunedSetting } from '../../explore/tune/tuned.js'
import { rulesOf } from '../../scenario/budget.js'
import { closePercentage, count, inText, plural, time } from '../../text/number.js'
import { type CostPoint, drawGoodputFront, drawP99Front } from '../draw/cost-front.js'
import { drawDot } from '../draw/elements/mark.js'
import { runClass } from '../draw/elements/run-colour.js'
import { type Markup, markup } from '../markup.js'
import { confirmationText, settingColumns } from '../terminal/tuned-table.js'
import { renderDataTable } from './data-table.js'
import { renderFigure } from './figure.js'

/** What `tune` found: the recommendation, the Pareto front with the budget drawn in, and the outcome of each candidate. */
export function renderTunedSection(tuned: Tuned, i: number): Markup {
  const { best, sentence, nearest, front, candidates, runs, grid, unsearched } = tuned
  const columns = settingColumns(front)
  const id = `tuned-${i}`
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">Recommendation</h2><p><strong>${sentence}</strong></p>${
    best !== null && markup`<p>${confirmationText(tuned)}</p>`
  }${nearest !== null && markup`<p>${nearest.sentence}</p>`}<div class="grid-of-cards">${costFigure(tuned, i)}</div>${
    front.length > 0 &&
    renderDataTable({
      caption: 'Settings of the Pareto front',
      columns: columns.map(({ header }) => header.replace('\n', ' ')),
      rows: front.map((each) => columns.map(({ of }) => of(each))),
    })
  }<ul>${candidates.map(({ name, outcome }) => markup`<li><bdi>${name ?? 'The service'}</bdi> ${outcome}.</li>`)}${unsearched.map((each) => markup`<li>Not searched: ${each}.</li>`)}</ul><p class="quiet">${count(runs)} runs, of ${count(grid)} settings.</p></section>`
}

function costFigure({ settings, front, candidates, best, budget }: Tuned, i: number): Markup | null {
  const drawn = settings.filter(({ p99Ms }) => p99Ms !== null)
  if (drawn.length === 0) return null
  const priced = drawn.every(({ cost }) => cost.perHour !== null)
  const costOf = ({ cost, servers }: TunedSetting) => (priced ? (cost.perHour as number) : servers)
  const onFront = new Set(front.map(keyOf))
  const bestKey = best && keyOf(best)
  const limitOf = (name: string, sign: string) =>
    rulesOf(budget).find(({ metric, relation }) => metric === name && relation.startsWith(sign))?.limit ?? null
  const judged = drawn.some(({ goodput }) => goodput !== null)
  const what = judged ? 'p99 and goodput' : 'p99'
  const costName = priced ? 'cost an hour' : 'servers'
  const points = drawn.map((each): CostPoint => {
    const isFront = onFront.has(keyOf(each))
    return {
      candidate: candidates.findIndex(({ name }) => name === each.candidate),
      text: `${settingText(each)}: p99 ${time(each.p99Ms as number)}${each.goodput === null ? '' : `, ${closePercentage(each.goodput)} % good`}${priced ? `, ${inText(costOf(each))} an hour` : ''}${each.keepsBudget ? (isFront ? ', on the front' : '') : ', breaks the budget'}`,
      cost: costOf(each),
      p99Ms: each.p99Ms as number,
      goodput: each.goodput,
      keepsBudget: each.keepsBudget,
      onFront: isFront,
      isBest: keyOf(each) === bestKey,
    }
  })
  const key: [Markup, string][] = [
    [drawDot(13, 0, 'full'), 'on the Pareto front'],
    [drawDot(13, 0, 'open'), 'keeps the budget'],
    [drawDot(13, 0, 'crossed'), 'breaks the budget'],
  ]
  return renderFigure({
    id: `cost-front-${i}`,
    title: `${what} against ${costName}`,
    description: `${what} against ${costName} of ${drawn.length} settings; ${front.length} are on the Pareto front: ${front.map(settingText).join('; ')}.`,
    note: markup`Ringed: the recommended setting.<ul class="key">${key.map(([mark, says]) => markup`<li><svg aria-hidden="true" viewBox="0 -9 27 18"><g class="s-p90">${mark}</g></svg>${says}</li>`)}${
      candidates.length > 1 &&
      candidates.map(
        ({ name }, k) =>
          markup`<li><svg aria-hidden="true" viewBox="0 -9 27 18"><g class="${runClass(k).name}">${drawDot(13, 0, 'full')}</g></svg><bdi>${name}</bdi></li>`,
      )
    }</ul>`,
    charts: [
      drawP99Front(points, { costName, limit: limitOf('p99', '<') }),
      ...(judged ? [drawGoodputFront(points, { costName, limit: limitOf('goodput', '>') })] : []),
    ],
    table: {
      caption: `${what} against ${costName}`,
      columns: ['setting', costName, 'p99', ...(judged ? ['good'] : []), 'quality', 'keeps the budget', 'on the front'],
      rows: drawn.map((each) => [
        markup`<bdi>${settingText(each)}</bdi>`,
        { text: inText(costOf(each)), value: costOf(each) },
        { text: time(each.p99Ms as number), value: each.p99Ms },
        ...(judged
          ? [each.goodput === null ? '–' : { text: `${closePercentage(each.goodput)} %`, value: each.goodput }]
          : []),
        each.quality === null ? '–' : inText(each.quality),
        each.keepsBudget ? 'yes' : 'no',
        onFront.has(keyOf(each)) ? 'yes' : '',
      ]),
    },
  })
}

function settingText({ candidate, servers, batching }: TunedSetting): string {
  const { maxBatchSize, maxWait } = batching
  const batches =
    maxBatchSize === 1
      ? 'one at a time'
      : `batches of up to ${count(maxBatchSize)}${maxWait === 0 ? '' : ` that wait up to ${time(maxWait)}`}`
  return `${candidate === null ? '' : `${candidate}, `}${plural(servers, 'server')}, ${batches}`
}

import type { HistorySeries } from '../../history/series.js'
import { plural } from '../../text/number.js'
import { drawHistory } from '../draw/history-chart.js'
import { changeText, historyValue, shortCommit } from '../history-text.js'
import { markup } from '../markup.js'
import { renderFigure } from './figure.js'
import { renderPage } from './page.js'

/** Renders a history as a self-contained HTML page: a chart for each scenario and machine, with its changes. */
export function renderHistoryHtml(series: readonly HistorySeries[]): string {
  const title = `History of ${[...new Set(series.map(({ metric }) => metric))].join(', ') || 'nothing'}`
  return renderPage(
    title,
    markup`<header><h1>${title}</h1><p class="quiet" id="keys">Hover over a chart to see its values, or focus it and use the arrow keys.</p></header>
<div class="grid-of-cards">${series.map(renderSeries)}</div>`,
  )
}

function renderSeries(series: HistorySeries, i: number) {
  const { name, metric, machine, points, changes } = series
  const texts = changes.map((change) => `${shortCommit(change.commit)}: ${changeText(change, series)}`)
  const runs = plural(points.length, 'run')
  return renderFigure({
    id: `history-${i}`,
    title: markup`<bdi>${name}</bdi>: ${metric}`,
    description: `${metric} of ${name} over ${runs}. ${changes.length === 0 ? 'No change was found.' : `It changed at ${texts.join('; ')}.`}`,
    note: markup`<p>${machine}</p>${texts.length === 0 ? markup`<p>No change was found in ${runs}.</p>` : texts.map((text) => markup`<p>Changed at ${text}</p>`)}`,
    charts: [drawHistory(series)],
    table: {
      caption: `${metric} of ${name}`,
      columns: ['commit', 'added', metric, '95 % interval', 'Node', 'change'],
      rows: points.map((point, k) => {
        const change = changes.find(({ at }) => at === k)
        const { low, high } = point.interval ?? {}
        return [
          shortCommit(point.commit),
          point.at.slice(0, 10),
          { text: historyValue(point.value, series), value: point.value },
          low === undefined || high === undefined
            ? ''
            : `${historyValue(low, series)} to ${historyValue(high, series)}`,
          point.node ?? '–',
          change === undefined ? '' : changeText(change, series),
        ]
      }),
    },
  })
}

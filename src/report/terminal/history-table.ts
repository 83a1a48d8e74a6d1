import type { HistorySeries } from '../../history/series.js'
import { renderColumns } from '../../text/columns.js'
import { makeLegible } from '../../text/legible.js'
import { NARROWEST, plain, type RenderOptions } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'
import { changeText, historyValue, shortCommit } from '../history-text.js'

/** The table of a longer series has only its last runs. */
const MOST_ROWS = 20

/** Renders a history: the last runs of each series, and its changes. */
export function renderHistory(given: readonly HistorySeries[], options: RenderOptions = {}): string {
  const { width = 80, style = plain } = options
  const room = Math.max(NARROWEST, width) - 2
  return makeLegible([...given])
    .map((series) => {
      const { name, metric, machine, points, changes } = series
      const from = Math.max(0, points.length - MOST_ROWS)
      const rows = points.slice(from).map(({ commit, at, value, interval }, i) => {
        const change = changes.find((each) => each.at === from + i)
        const between =
          interval === null ? '' : `${historyValue(interval.low, series)} to ${historyValue(interval.high, series)}`
        return [
          shortCommit(commit),
          at.slice(0, 10),
          historyValue(value, series),
          between,
          change === undefined ? '' : style('yellow', changeText(change, series)),
        ]
      })
      const earlier = from === 0 ? '' : `, the last ${MOST_ROWS} of ${points.length} runs`
      const title = wrap(`${name}: ${metric} on ${machine}${earlier}`, room).map((line) => ` ${style('bold', line)}`)
      const earlierChanges = changes
        .filter(({ at }) => at < from)
        .map((change) => ` ${shortCommit(change.commit)}: ${changeText(change, series)}`)
      return [
        title.join('\n'),
        renderColumns(['commit', 'added', metric, '95 % interval', 'change'], rows, style),
        earlierChanges.length === 0 ? '' : [` Earlier changes:`, ...earlierChanges].join('\n'),
      ]
        .filter((part) => part !== '')
        .join('\n\n')
    })
    .join('\n\n\n')
}

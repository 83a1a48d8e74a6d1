export { renderComparison } from '../budget/comparison/render-comparison.js'
export { renderBudget } from '../budget/render.js'
export { readBudget, readComparison, readResult, readScenario, writeComparison, writeResult } from '../files/stored.js'
export { type ReadTraceOptions, readTrace } from '../files/trace.js'
export { count, percent, rate, threeDigits, time } from '../text/number.js'
export { plain, type RenderOptions, type Style } from '../text/style.js'
export { wrap } from '../text/wrap.js'
export { renderSweepSvg, renderTradeOffSvg, type SvgOptions } from './draw/svg.js'
export type { SweptRun } from './draw/trade-off-figure.js'
export { type CsvOptions, renderResultsCsv, renderSweepCsv } from './export/csv.js'
export { renderGateJunit } from './export/gate-junit.js'
export { renderGateMarkdown } from './export/gate-markdown.js'
export { renderHgrm } from './export/hgrm.js'
export { renderHlog } from './export/hlog.js'
export { type JunitOptions, renderJunit } from './export/junit.js'
export {
  renderBudgetMarkdown,
  renderComparisonMarkdown,
  renderMarkdown,
  renderSweepMarkdown,
} from './export/markdown.js'
export { type Figure, type Figures, figuresOf } from './figures.js'
export { renderGateHtml } from './html/gate.js'
export { createReportHandler, type ReportHandlerOptions } from './html/http-handler.js'
export { type HtmlOptions, renderHtml } from './html/render.js'
export type { ReportEntry } from './html/report-entry.js'
export type { NamedResult } from './named-result.js'
export { type Spread, spreadOf } from './spread.js'
export { renderGate } from './terminal/gate-table.js'
export { type Progress, type ProgressStream, progressOn } from './terminal/progress.js'
export { type ResultRenderOptions, renderResult } from './terminal/result-table.js'
export { styleFor } from './terminal/style.js'
export { renderSweep } from './terminal/sweep-table.js'
export { type Cell, type Column, table } from './terminal/table.js'
export {
  type Agreement,
  agreementOf,
  renderAgreement,
  renderTradeOff,
  renderTradeOffPlot,
} from './terminal/trade-off.js'
export { figuresOverRounds, mediansOf, type TradeOffOptions, type TradeOffRow } from './terminal/trade-off-row.js'
export { renderTradeOffTable } from './terminal/trade-off-table.js'
export { renderTuned } from './terminal/tuned-table.js'

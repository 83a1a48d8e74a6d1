export { count, percent, rate, threeDigits, time } from './number.js'
export { type Spread, spreadOf } from './spread.js'
export { type Look, plain, type Style, styleFor } from './style.js'
export { type Cell, type Column, table } from './table.js'
export { type Agreement, agreementOf, renderAgreement, renderTradeOff, renderTradeOffPlot } from './trade-off.js'
export {
  type Figure,
  figuresOf,
  figuresOverRounds,
  type TradeOffLook,
  type TradeOffRow,
} from './trade-off-row.js'
export { renderTradeOffTable } from './trade-off-table.js'

/** The colours of charts. Percentiles run from teal to magenta, in hues that colour-blind readers can distinguish. */
const LIGHT = {
  ground: '#ffffff',
  raised: '#f6f7f9',
  ink: '#1b222d',
  quiet: '#566070',
  rule: '#e2e6eb',
  edge: '#8b95a3',
  p50: '#0d8070',
  p90: '#1f6fb5',
  p95: '#6a51bd',
  p99: '#b4286c',
  p999: '#8a4b08',
  neutral: '#3d4f66',
  good: '#17714a',
  doubt: '#8a5a00',
  bad: '#b3261e',
  overloaded: '#f3ece4',
  lag: '#8a4b08',
  queueing: '#b4286c',
  batching: '#6a51bd',
  dispatch: '#1f6fb5',
  service: '#0d8070',
}
export type Colour = keyof typeof LIGHT

const DARK: Record<Colour, string> = {
  ground: '#12161c',
  raised: '#1b2129',
  ink: '#e7ebf0',
  quiet: '#a3adba',
  rule: '#2a313b',
  edge: '#6d7887',
  p50: '#45c4ae',
  p90: '#67aef2',
  p95: '#ab9df6',
  p99: '#f286b6',
  p999: '#e2a45a',
  neutral: '#b6c3d4',
  good: '#5cc795',
  doubt: '#e3b04b',
  bad: '#ff8a80',
  overloaded: '#29241d',
  lag: '#e2a45a',
  queueing: '#f286b6',
  batching: '#ab9df6',
  dispatch: '#67aef2',
  service: '#45c4ae',
}

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

/** Writes the colours as CSS custom properties. */
export const colourProperties = (theme: 'light' | 'dark') =>
  Object.entries(theme === 'light' ? LIGHT : DARK)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';')

/** The colours that have a class for series. */
const SERIES: Colour[] = [
  'p50',
  'p90',
  'p95',
  'p99',
  'p999',
  'neutral',
  'lag',
  'queueing',
  'batching',
  'dispatch',
  'service',
]

/** Writes the rules of a chart's style that set colours. */
function colourRules(of: (colour: Colour) => string): string {
  return `.grid{stroke:${of('rule')}}.axis{stroke:${of('edge')}}.tick,.note{fill:${of('quiet')}}.heading{fill:${of('ink')}}
.full{stroke:${of('ground')}}.open{fill:${of('ground')}}.name,.note{stroke:${of('ground')}}.cross{stroke:${of('bad')}}.offered{stroke:${of('edge')}}
.overloaded{fill:${of('overloaded')}}.limit{stroke:${of('bad')}}.beyond{fill:${of('bad')}}.note.bad{fill:${of('bad')}}
${SERIES.map((name) => `.s-${name}{color:${of(name)}}`).join('')}`
}

const SHAPES = `.grid,.axis{stroke-width:1;fill:none}.end{text-anchor:end}.middle{text-anchor:middle}.name{font-weight:600;fill:currentColor}.note,.name{paint-order:stroke;stroke-width:4;stroke-linejoin:round}.heading{font-weight:650;font-size:17px}
.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}.thin{stroke-width:1;opacity:.55}.dashed{stroke-dasharray:5 4}.dotted{stroke-dasharray:1.5 3.5}
.dot{fill:currentColor;stroke-width:1.5}.open{stroke:currentColor;stroke-width:1.75}.whisker{fill:none;stroke:currentColor;stroke-width:1.5}
.cross{stroke-width:2}.overloaded-area .note{stroke:none}.hit{fill:transparent}.offered,.limit{stroke-width:1.25;stroke-dasharray:6 4}.beyond{opacity:.07}.bar{fill:currentColor}`

/** The style of charts on a page with the colours as custom properties. */
export const CHART_STYLE = SHAPES + colourRules((colour) => `var(--${colour})`)

/** The style of a standalone file, without custom properties, which some viewers do not support. */
export const FILE_STYLE = `text{font:13px ${FONT}}${SHAPES}${colourRules((colour) => LIGHT[colour])}.ground{fill:${LIGHT.ground};stroke:${LIGHT.rule}}
@media (prefers-color-scheme:dark){${colourRules((colour) => DARK[colour])}.ground{fill:${DARK.ground};stroke:${DARK.rule}}}`

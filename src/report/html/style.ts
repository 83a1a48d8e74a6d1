import { CHART_STYLE, colourProperties, FONT } from '../draw/elements/theme.js'

/** The style of a page. Charts scale with their container, and their text scales less. */
export const PAGE_STYLE = `:root{color-scheme:light dark;${colourProperties('light')}}
@media (prefers-color-scheme:dark){:root{${colourProperties('dark')}}}
@media print{:root{color-scheme:light;${colourProperties('light')}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 ${FONT}}
main{max-width:1160px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:19px;margin:44px 0 12px}h3{font-size:15px;margin:0;overflow-wrap:anywhere}section>h3{margin:26px 0 6px}h3.run{font-size:14px;margin:20px 0 6px}
p{margin:4px 0;overflow-wrap:anywhere}.quiet{color:var(--quiet)}figcaption .quiet{font-size:13px}
.grid-of-cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:16px}
.card{margin:0;padding:16px 16px 12px;border:1px solid var(--rule);border-radius:8px;min-width:0}
.wide{grid-column:1/-1}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:8px 24px}
.chart{container-type:inline-size;border-radius:4px;max-width:620px;margin-top:8px}.chart:focus-visible,.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--p90);outline-offset:2px}
svg{display:block;width:100%;height:auto;overflow:visible}svg text{font-size:12.5px}
@container (max-width:430px){svg text{font-size:14px}}@container (max-width:340px){svg text{font-size:15.5px}}@container (min-width:560px){svg text{font-size:11px}}
.mark.on .dot{stroke:var(--ink);stroke-width:3}.mark.on .whisker{stroke-width:3}.mark.on .bar{stroke:var(--ink);stroke-width:2}.mark.on .band{fill:var(--quiet);opacity:.14}
.same{fill:var(--rule)}.incomplete{stroke:var(--bad);stroke-width:4}.v-slower{color:var(--bad)}.v-faster,.v-same{color:var(--good)}.v-inconclusive{color:var(--doubt)}
#tip{position:fixed;z-index:1;max-width:min(340px,90vw);padding:6px 10px;border-radius:6px;background:var(--ink);color:var(--ground);font-size:13px;line-height:1.4;pointer-events:none;overflow-wrap:anywhere}
#tip:empty{display:none}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}th{font-weight:600}thead th{color:var(--quiet);font-weight:500}
tbody th{white-space:normal;overflow-wrap:anywhere;min-width:9em}.words td{text-align:left;white-space:normal}
details{margin-top:8px;font-size:13.5px}details.run>summary{font-size:14px;font-weight:600;color:var(--ink);overflow-wrap:anywhere}details.run[open]>summary{margin-bottom:8px}summary{cursor:pointer;color:var(--quiet);width:fit-content;padding:2px 0}
.verdict{font-weight:650}.good{color:var(--good)}.doubt{color:var(--doubt)}.bad{color:var(--bad)}.info{color:var(--quiet)}
.findings{list-style:none;margin:6px 0;padding:0}.findings li{padding:6px 0 6px 12px;border-left:3px solid currentColor;margin:6px 0;overflow-wrap:anywhere}.findings span{color:var(--ink)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:6px 0;font-size:13.5px}dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--raised);padding:12px;border-radius:6px;font-size:12.5px}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;margin:6px 0 0;padding:0;list-style:none;font-size:13px;color:var(--quiet)}.key li{display:flex;align-items:center;gap:7px}.key svg{width:28px;height:18px;flex:none}
@media (max-width:480px){main{padding:20px 14px 48px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}.card{padding:12px 12px 8px}}
@media print{main{max-width:none;padding:0}#tip{display:none}.card{break-inside:avoid}h2,h3{break-after:avoid}.grid-of-cards,.wide .charts{grid-template-columns:1fr 1fr}.scroll{overflow:visible}details::details-content{content-visibility:visible;block-size:auto;overflow:visible}table{font-size:11px}th,td{padding:3px 6px}.card table{font-size:9px}.card th,.card td{padding:2px 3px;white-space:normal;min-width:0}summary{display:none}}
${CHART_STYLE}`

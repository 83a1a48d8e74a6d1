// Measures how often budgets pass and fail on the real clock: runs of a call of 5 ms at 200/s, one after the other; with
// --until-clear, how long it takes until the verdict is clear. Gives the tables of docs/validation/budgets.md.
//
//   npx tsx bench/studies/budget-real.ts                                       100 runs of 5 s on an idle machine
//   npx tsx bench/studies/budget-real.ts --busy                                while a process keeps a core busy
//   npx tsx bench/studies/budget-real.ts --seconds 3 --rules 'p99=500ms'
//   npx tsx bench/studies/budget-real.ts --until-clear --rules 'p99=50ms' --runs 40

import { fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Budget, checkBudget, measure, type Result, type Verdict } from 'throughline'

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '200/s' },
    ms: { type: 'string', default: '5' },
    rules: { type: 'string', default: 'p99=50ms,p95=25ms,p50=4ms' },
    busy: { type: 'boolean', default: false },
    'until-clear': { type: 'boolean', default: false },
  },
})
const runs = Number(given.runs)
const rules = given.rules.split(',').map((rule) => rule.split('=') as [string, string])
const budgets = rules.map(([metric, limit]): [string, Budget] => [
  `${metric} <= ${limit}`,
  { [metric]: limit } as Budget,
])

const run = (stop: NonNullable<Parameters<typeof measure>[0]['stop']>, seed: number) =>
  measure({ arrivals: given.rate, call: () => delay(Number(given.ms)), stop, seed })

interface Judged {
  verdicts: Record<Verdict, number>
  reasons: Map<string, number>
  /** the duration of each run, and its p50, p95, p99 and max */
  seconds: number[]
}
const judged = budgets.map(
  (): Judged => ({ verdicts: { pass: 0, fail: 0, inconclusive: 0 }, reasons: new Map(), seconds: [] }),
)
const findings = new Map<string, number>()
const seen = { p50: [] as number[], p95: [] as number[], p99: [] as number[], max: [] as number[] }

const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

function judge(result: Result, budget: Budget, { verdicts, reasons, seconds }: Judged): void {
  const check = checkBudget(result, budget)
  verdicts[check.verdict]++
  seconds.push(result.window.endMs / 1000)
  if (check.verdict !== 'inconclusive') return
  // the figures differ from run to run
  for (const { reason } of check.rules) if (reason !== undefined) add(reasons, reason.replace(/[\d.,]+/g, '#'))
}

function note({ latencyMs, validity }: Result): void {
  for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name].push(latencyMs[name])
  for (const { code, severity } of validity.findings) add(findings, `${severity} ${code}`)
}

const busy = given.busy ? fork(new URL('./busy.js', import.meta.url)) : null
try {
  for (let seed = 1; seed <= runs; seed++) {
    if (given['until-clear']) {
      for (const [i, [, budget]] of budgets.entries()) {
        const result = await run({ budget, atMost: '30s' }, seed)
        judge(result, budget, judged[i] as Judged)
        note(result)
      }
    } else {
      const result = await run({ duration: `${given.seconds}s` }, seed)
      for (const [i, [, budget]] of budgets.entries()) judge(result, budget, judged[i] as Judged)
      note(result)
    }
    if (seed % 10 === 0) console.error(`${seed} of ${runs} runs`)
  }
} finally {
  busy?.kill('SIGKILL')
}

const middle = (values: number[], fraction = 0.5) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(fraction * values.length))] as number
const percent = (count: number) => String(Number(((100 * count) / runs).toFixed(1)))

const length = given['until-clear'] ? 'until the verdict is clear, 30 s at most' : `of ${given.seconds} s`
console.log(
  `${runs} runs ${length} at ${given.rate}, ${given.ms} ms each, ${given.busy ? 'with a busy process' : 'on an idle machine'}\n`,
)
console.log('| rule | pass | fail | inconclusive | seconds, median | 90 % |\n| --- | --- | --- | --- | --- | --- |')
for (const [i, [name]] of budgets.entries()) {
  const { verdicts, seconds } = judged[i] as Judged
  const { pass, fail, inconclusive } = verdicts
  const took = [middle(seconds), middle(seconds, 0.9)].map((value) => value.toFixed(2))
  console.log(`| ${[name, ...[pass, fail, inconclusive].map((count) => `${percent(count)} %`), ...took].join(' | ')} |`)
}
console.log('\n| latency, ms | least | median | most |\n| --- | --- | --- | --- |')
for (const [name, values] of Object.entries(seen)) {
  const figures = [Math.min(...values), middle(values), Math.max(...values)].map((value) => value.toFixed(2))
  console.log(`| ${name} | ${figures.join(' | ')} |`)
}
console.log(`\nfindings: ${[...findings].map(([code, count]) => `${code} ${count}`).join(', ') || 'none'}`)
for (const [i, [name]] of budgets.entries()) {
  for (const [reason, count] of (judged[i] as Judged).reasons) console.log(`${name}, ${count} times: ${reason}`)
}

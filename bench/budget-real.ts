// How often a real handler that keeps its budget is called too slow while another process keeps a core busy, by the
// interval and by the point estimate alone. The true p99 is that of all runs together, and the limit a fifth above it.
//
//   npx tsx bench/budget-real.ts                       200 runs of 10 s
//   npx tsx bench/budget-real.ts --runs 40 --seconds 3

import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { checkBudget, measure, type Result } from 'throughline'
import { tallyOf } from '../src/result/stored.js'
import { tallyPercentileNs } from '../src/result/summary.js'
import { Tally } from '../src/result/tally.js'

const { values: given } = parseArgs({
  options: { runs: { type: 'string', default: '200' }, seconds: { type: 'string', default: '10' } },
})
const runs = Number(given.runs)

const busy = fork(new URL('./busy.js', import.meta.url))
const results: Result[] = []
try {
  for (let seed = 1; seed <= runs; seed++) {
    const result = await measure({
      arrivals: '250/s',
      handler: new URL('./fixed-service.js', import.meta.url),
      stop: { duration: `${given.seconds}s` },
      seed,
    })
    results.push(result)
  }
} finally {
  busy.kill('SIGKILL')
}

const all = new Tally()
for (const { latencyMs } of results) all.add(tallyOf(latencyMs))
const p99 = tallyPercentileNs(all, 99) / 1e6
const limit = p99 / 0.8
const verdicts = results.map((result) => checkBudget(result, { p99: limit }).verdict)
const count = (verdict: string) => verdicts.filter((each) => each === verdict).length
const point = results.filter(({ latencyMs }) => latencyMs.p99 > limit).length
const invalid = results.filter(({ validity }) => !validity.valid).length
const ofRuns = results.map(({ latencyMs }) => latencyMs.p99).sort((a, b) => a - b)

console.log(
  `${runs} runs of ${given.seconds} s at 250/s, 2 ms each, beside a busy process; p99 of all ${p99.toFixed(2)} ms,`,
)
console.log(`of a run ${ofRuns[0]?.toFixed(2)} to ${ofRuns.at(-1)?.toFixed(2)} ms; limit ${limit.toFixed(2)} ms`)
console.log(`| judge | pass | inconclusive | fail |\n| --- | --- | --- | --- |`)
console.log(
  `| throughline (${invalid} runs invalid) | ${count('pass')} | ${count('inconclusive')} | ${count('fail')} |`,
)
console.log(`| point estimate | ${runs - point} | 0 | ${point} |`)

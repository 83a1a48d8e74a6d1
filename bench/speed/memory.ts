// Measures the memory of a simulation by its number of requests: it must not grow. Run it with `npm run build && npx tsx
// bench/speed/memory.ts`. Each run has its own process, and so its own peak resident set.

import { execFileSync } from 'node:child_process'
import { table } from '../../src/report/terminal/table.js'
import { count } from '../../src/text/number.js'

/** The goal: 100 million requests within this. */
const MOST_MB = 200
const REQUESTS = [1e5, 1e6, 1e7, 1e8]

const scenarios = {
  'M/M/1 at 80 %': "{ arrivals: '80/s', service: affine({ base: '10ms', variation: exponential() }) }",
  'batches of up to 50 at 80 %':
    "{ arrivals: '2000/s', service: affine({ base: '7.5ms', perItem: '0.25ms' }), batching: { maxBatchSize: 50, maxWait: '5ms' } }",
}

const script = (scenario: string, requests: number) => `
  import { affine, exponential, simulate } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
  const begun = performance.now()
  const { counts } = simulate({ ...${scenario}, stop: { requests: ${requests} } })
  const seconds = (performance.now() - begun) / 1000
  console.log(JSON.stringify({ completed: counts.completed, seconds, mb: process.resourceUsage().maxRSS / 1024 }))
`

let most = 0
const rows = Object.entries(scenarios).flatMap(([name, scenario]) =>
  REQUESTS.map((requests) => {
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script(scenario, requests)])
    const { completed, seconds, mb } = JSON.parse(output.toString())
    if (completed !== 0.9 * requests) throw new Error(`${completed} completed of ${requests}`)
    most = Math.max(most, mb)
    return [name, count(requests), seconds.toFixed(2), count((1e9 * seconds) / requests), count(mb)]
  }),
)

console.log(
  table(
    [
      { header: '', align: 'left' },
      { header: 'requests' },
      { header: 's' },
      { header: 'ns each' },
      { header: 'resident\nMB at most' },
    ],
    rows,
  ),
)
console.log(`\n at most ${count(most)} MB, ${most <= MOST_MB ? 'within' : 'BEYOND'} the ${MOST_MB} MB to be kept to`)
process.exitCode = most <= MOST_MB ? 0 : 1

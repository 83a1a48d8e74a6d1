// Measures the memory of a measurement by its length: it must not grow. Run it with `npm run build && npx tsx
// bench/speed/measure-memory.ts 10 60`, for 10 and 60 seconds at 10,000/s. Each run has its own process, and so its own peak
// resident set.

import { execFileSync } from 'node:child_process'
import { count } from '../../src/text/number.js'

/** The longest run may use this many times the memory of the shortest: uncollected garbage varies by as much. */
const MOST_OVER = 1.15
const lengths = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10, 60]

const script = (seconds: number) => `
  import { measure } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
  const { counts } = await measure({
    arrivals: '10000/s',
    handler: ${JSON.stringify(new URL('./no-op.js', import.meta.url).href)},
    batching: { maxBatchSize: 16 },
    stop: { duration: ${1000 * seconds} },
  })
  console.log(JSON.stringify({ completed: counts.completed, mb: process.resourceUsage().maxRSS / 1024 }))
`

const taken = lengths.map((seconds) => {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script(seconds)])
  const { completed, mb } = JSON.parse(output.toString())
  console.log(
    ` ${String(seconds).padStart(5)} s  ${count(completed).padStart(9)} requests  ${count(mb).padStart(5)} MB at most`,
  )
  return mb as number
})
const over = (taken.at(-1) as number) / (taken[0] as number)
const within = over <= MOST_OVER
console.log(`\n ${over.toFixed(2)} times the first, ${within ? 'within' : 'BEYOND'} the ${MOST_OVER} to be kept to`)
process.exitCode = within ? 0 : 1

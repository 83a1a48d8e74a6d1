// Runs a live batcher under load for a long time: Poisson calls at 70 % of the capacity of the real model, 1 % of them
// invalid, 5 % aborted. Every call must settle, and memory must stay flat. Run it with `npx tsx bench/studies/soak.ts --minutes 10`.

import { parseArgs } from 'node:util'
import { createBatcher } from 'throughline'
import { frame } from '../../examples/real-model/frames.ts'
import { calibrateTight, capacitiesOf } from '../../examples/real-model/model.ts'
import { schedule } from '../../src/scenario/arrivals/schedule.js'
import { rate, time } from '../../src/text/number.js'

const { values: asked } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const untilMs = 60_000 * Number(asked.minutes)
const maxBatchSize = 16
const UTILIZATION = 0.7
const BAD = 0.01
const ABORTED = 0.05

const [capacity] = capacitiesOf(await calibrateTight(maxBatchSize), [maxBatchSize])
const perSecond = UTILIZATION * (capacity as number)
const batcher = createBatcher<typeof import('../../examples/real-model/handler.ts')>(
  new URL('../../examples/real-model/handler.ts', import.meta.url),
  { batching: { maxBatchSize, maxWait: '2ms' }, queue: { capacity: 1000, timeout: '1s' } },
)
await batcher.ready()

const frames = Array.from({ length: 64 }, (_, seed) => frame(seed))
// an input that the model rejects, and one that cannot be sent to a thread
const bad = (() => 'no sound') as never
const outcomes: Record<string, number> = {}
const count = (outcome: string) => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}
let sent = 0
let settled = 0

function send(): void {
  const isBad = Math.random() < BAD
  const controller = Math.random() < ABORTED ? new AbortController() : null
  if (controller !== null) setTimeout(() => controller.abort(), 5 * Math.random())
  const options = controller === null ? {} : { signal: controller.signal }
  sent++
  batcher.run(isBad ? bad : (frames[sent % frames.length] as Float32Array), options).then(
    (probability) => {
      settled++
      count(!isBad && probability >= 0 && probability <= 1 ? 'answered' : 'answered wrongly')
    },
    (error: { name: string; code?: unknown }) => {
      settled++
      count(typeof error.code === 'string' ? error.code : error.name)
    },
  )
}

console.log(
  ` ${rate(perSecond)}, ${UTILIZATION * 100} % of ${rate(capacity as number)}, for ${asked.minutes} minutes\n`,
)
console.log('  minute      sent   settled   heap MB   rss MB       p50       p99')
const nextNs = schedule({ process: 'poisson', rate: perSecond }, 1)
const began = performance.now()
const heaps: number[] = []
let reportMs = 0
let dueMs = nextNs() / 1e6
for (let nowMs = 0; nowMs < untilMs; nowMs = performance.now() - began) {
  for (; dueMs <= nowMs; dueMs = nextNs() / 1e6) send()
  if (nowMs >= reportMs) {
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    heaps.push(heapUsed / 1e6)
    const latency = batcher.recorder?.snapshot({ last: '10s' })?.latencyMs
    const columns = [sent, settled, (heapUsed / 1e6).toFixed(1), (rss / 1e6).toFixed(0)]
    const percentiles = latency === undefined ? ['', ''] : [time(latency.p50), time(latency.p99)]
    console.log(
      (nowMs / 60_000).toFixed(1).padStart(8),
      ...[...columns, ...percentiles].map((each) => String(each).padStart(9)),
    )
    reportMs += untilMs / 10
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(dueMs, reportMs) - nowMs)))
}
await batcher.close()

console.log(`\n ${sent} sent, ${settled} settled:`, outcomes)
const half = Math.floor(heaps.length / 2)
const [early, late] = [heaps.slice(1, half + 1), heaps.slice(half + 1)].map((each) => Math.min(...each))
console.log(` least heap ${early?.toFixed(1)} MB in the first half, ${late?.toFixed(1)} MB in the second`)
if (sent !== settled || outcomes['answered wrongly'] !== undefined)
  throw new Error('some calls did not settle, or settled wrongly')

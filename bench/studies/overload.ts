// Measures a service at twice its capacity: the example service with the real model, in its own process, over HTTP, second
// by second. Accepted requests must not wait longer than the queue allows, others must be rejected at once, and a second
// after the overload latency must be back to normal. One at a time, because two cores cannot send and read at twice the
// capacity in batches. Run it with `npx tsx bench/studies/overload.ts --max-batch-size 1`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { closed, measure, percentile, type Scenario } from 'throughline'
import { frame } from '../../examples/real-model/frames.ts'
import { encode } from '../../examples/service/pcm.ts'
import { policy } from '../../examples/service/policy.ts'
import { table } from '../../src/report/terminal/table.js'
import { rate, time } from '../../src/text/number.js'

const { values: asked } = parseArgs({ options: { 'max-batch-size': { type: 'string', default: '1' } } })
const maxBatchSize = Number(asked['max-batch-size'])
/** Half the capacity, twice, and half again, with the seconds of each; 20 s in total, one for each segment of a Result. */
const [BEFORE, DURING, AFTER] = [6, 8, 6]
const CLIENTS = 64

const frames = Array.from({ length: 64 }, (_, seed) => encode(frame(seed)))
const main = fileURLToPath(new URL('../../examples/service/main.ts', import.meta.url))
const flags = ['--port', '0', '--max-batch-size', String(maxBatchSize)]
const service = spawn(process.execPath, ['--import', 'tsx', main, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
const [said] = await once(createInterface(service.stdout), 'line')
const url = `${/http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]}/infer`
const body = (index: number) => ({ pcm: frames[index % frames.length] as string })

const full = await measure(
  { arrivals: closed({ clients: CLIENTS }), http: { url, body }, stop: { duration: '3s' }, warmup: { duration: '1s' } },
  { spin: 0 },
)
const capacity = full.throughput.completed
console.log(` sustains ${rate(capacity)} with ${CLIENTS} clients in a closed loop\n`)

const [light, heavy] = [capacity / 2, 2 * capacity]
const arrivals: Scenario['arrivals'] = {
  process: 'stages',
  from: light,
  stages: [
    { rate: light, duration: `${BEFORE}s` },
    { rate: heavy, duration: 0 },
    { rate: heavy, duration: `${DURING}s` },
    { rate: light, duration: 0 },
    { rate: light, duration: `${AFTER}s` },
  ],
}
/** A run in which these statuses are not failures. */
const run = (failures: string[]) =>
  measure(
    {
      arrivals,
      http: { url, body, failures },
      stop: { duration: `${BEFORE + DURING + AFTER}s` },
      warmup: { duration: 0 },
    },
    { spin: 0 },
  )
const taken = await run(['5xx'])
const refused = await run(['2xx'])
service.kill()

console.log(
  table(
    [
      { header: 'second' },
      { header: 'sent' },
      { header: 'answered' },
      { header: 'p50' },
      { header: 'p99' },
      { header: 'refused' },
      { header: 'p99 of\na refusal' },
    ],
    taken.segments.map(({ startMs, counts, latencyMs }, i) => {
      const refusal = refused.segments[i]?.latencyMs ?? null
      return [
        String(Math.round((startMs - taken.window.startMs) / 1000)),
        String(counts.offered),
        String(counts.completed),
        latencyMs === null ? '' : time(percentile(latencyMs, 50)),
        latencyMs === null ? '' : time(percentile(latencyMs, 99)),
        String(counts.failed),
        refusal === null ? '' : time(percentile(refusal, 99)),
      ]
    }),
  ),
)

const over = taken.segments.slice(BEFORE, BEFORE + DURING)
const answered = over.reduce((sum, { counts }) => sum + counts.completed, 0) / DURING
// the waiting requests, the batch in service and the request's own
const ahead = policy.queue.capacity + 2 * maxBatchSize
console.log(`\n while overloaded it answers ${rate(answered)}, so that ${ahead} requests ahead of one take`)
console.log(` ${time((1000 * ahead) / answered)}: a p99 above that includes waiting outside the queue`)

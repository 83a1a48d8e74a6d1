// Rows written to SQLite one by one, or together with those that come meanwhile: each caller gets an answer of its own
// when its row is on the disk. Run it with `npx tsx examples/sqlite/main.ts`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { capacity, closed, createBatcher, createRecorder, measure, poisson, type Result } from 'throughline'
import { count, rate, styleFor, table, time } from 'throughline/report'
import { openOrders } from './orders.ts'

const { values: flags } = parseArgs({ options: { duration: { type: 'string', default: '1s' } } })
const POLICIES = {
  'one by one': { maxBatchSize: 1 },
  'up to 8': { maxBatchSize: 8 },
  'up to 64': { maxBatchSize: 64 },
  'up to 64, within 10 ms': { maxBatchSize: 64, maxWait: '10ms' },
}
const LIMIT = { p99: 100 }

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
const orders = openOrders(join(folder, 'orders.db'))
process.on('exit', () => {
  orders.close()
  rmSync(folder, { recursive: true })
})
let asked = 0
let stored = 0
const order = (pieces: number) => ({ id: `order ${asked++}`, article: 'pencil', pieces })

// one for all of them: it sees batches of every size
const recorder = createRecorder({ servers: 1 })
const stop = { duration: flags.duration }
const measured: [crowd: Result, few: Result][] = []
for (const batching of Object.values(POLICIES)) {
  const batcher = createBatcher(orders.insertAll, { batching, recorder })
  const insert = async () => {
    await batcher.run(order(1 + (asked % 9)))
    stored++
  }
  const crowd = await measure({ arrivals: closed({ clients: 64 }), call: insert, stop })
  const few = await measure({ arrivals: poisson('50/s'), call: insert, stop })
  measured.push([crowd, few])
  await batcher.close()
}

const recorded = { ...recorder.scenario({ arrivals: 'poisson' }), stop: { requests: 20_000 } }
const figures = ({ latencyMs }: Result) => [time(latencyMs.p50), time(latencyMs.p99)]
const rows = Object.entries(POLICIES).map(([name, batching], i) => {
  const [crowd, few] = measured[i] as [Result, Result]
  const most = capacity({ ...recorded, batching }, LIMIT)
  const carries = most === null ? 'none' : rate(most.rate)
  return [name, rate(crowd.throughput.completed), ...figures(crowd), ...figures(few), carries]
})

console.log(`
 Rows of SQLite in one transaction for each batch. 64 clients who write all the time, 50 rows a second at random, and
 the most that would be written within a p99 of ${time(LIMIT.p99)}, simulated from the batches recorded.
`)
console.log(
  table(
    [
      { header: '', align: 'left' },
      { header: '64 clients' },
      { header: 'p50' },
      { header: 'p99' },
      { header: '50/s: p50' },
      { header: 'p99' },
      { header: 'simulated' },
    ],
    rows,
    styleFor(process.stdout),
  ),
)

// a bad row is refused alone, though it was in one transaction with others
const batcher = createBatcher(orders.insertAll, { batching: { maxBatchSize: 3, maxWait: '1s' } })
const three = await Promise.allSettled([1, 0, 2].map((pieces) => batcher.run(order(pieces))))
await batcher.close()
three.forEach((each, i) => {
  const answer = each.status === 'fulfilled' ? `stored as row ${each.value}` : `refused, ${each.reason.message}`
  if (each.status === 'fulfilled') stored++
  console.log(` pieces ${[1, 0, 2][i]}: ${answer}`)
})
console.log(`\n ${count(stored)} were told that their row is stored, and the file has ${count(orders.count())}.`)

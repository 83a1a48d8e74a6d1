// Inserts rows into SQLite one by one, or in batches with rows that arrive meanwhile. Each caller gets its own answer when
// its row is on the disk. Run it with `npx tsx examples/sqlite/main.ts`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  capacity,
  closed,
  createBatcher,
  createRecorder,
  measure,
  poisson,
  type Result,
  ValidationError,
} from 'throughline'
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

// one recorder for all batchers, so that it records batches of every size
const recorder = createRecorder({ servers: 1 })
const stop = { duration: flags.duration }
const measured: [busy: Result, idle: Result][] = []
for (const batching of Object.values(POLICIES)) {
  const batcher = createBatcher(orders.insertAll, { batching, recorder })
  const insert = async () => {
    await batcher.run(order(1 + (asked % 9)))
    stored++
  }
  const busy = await measure({ arrivals: closed({ clients: 64 }), call: insert, stop })
  const idle = await measure({ arrivals: poisson('50/s'), call: insert, stop })
  measured.push([busy, idle])
  await batcher.close()
}

const recorded = { ...recorder.scenario({ arrivals: 'poisson' }), stop: { requests: 20_000 } }
/** The highest rate within the limit; a machine that stalled may have left too few recorded batches to tell. */
function highestRate(batching: (typeof POLICIES)[keyof typeof POLICIES]): string {
  try {
    const most = capacity({ ...recorded, batching }, LIMIT)
    return most === null ? 'none' : rate(most.rate)
  } catch (error) {
    if (error instanceof ValidationError) return 'unclear'
    throw error
  }
}

const figures = ({ latencyMs }: Result) => [time(latencyMs.p50), time(latencyMs.p99)]
const rows = Object.entries(POLICIES).map(([name, batching], i) => {
  const [busy, idle] = measured[i] as [Result, Result]
  return [name, rate(busy.throughput.completed), ...figures(busy), ...figures(idle), highestRate(batching)]
})

console.log(`
 Rows inserted into SQLite, one transaction for each batch: by 64 clients in a closed loop, and at random at 50/s. The last
 column is the highest rate with p99 within ${time(LIMIT.p99)}, simulated from the recorded batches.
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

// an invalid row is rejected alone, although it was in one transaction with others
const batcher = createBatcher(orders.insertAll, { batching: { maxBatchSize: 3, maxWait: '1s' } })
const three = await Promise.allSettled([1, 0, 2].map((pieces) => batcher.run(order(pieces))))
await batcher.close()
three.forEach((each, i) => {
  const answer = each.status === 'fulfilled' ? `stored as row ${each.value}` : `rejected, ${each.reason.message}`
  if (each.status === 'fulfilled') stored++
  console.log(` pieces ${[1, 0, 2][i]}: ${answer}`)
})
console.log(
  `\n ${count(stored)} callers were notified that their row is stored, and the file has ${count(orders.count())} rows.`,
)

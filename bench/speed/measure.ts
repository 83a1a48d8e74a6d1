// Measures how many no-op requests one server thread sustains, compared with one piscina task per request. Run it with
// `npm run bench`.
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { measure } from 'throughline'
import { compareInRounds } from '../rounds.js'

const handler = new URL('./no-op.js', import.meta.url)
const ROUNDS = Number(process.argv[2] ?? 7)
const SECOND = 1000

/** The highest of these loads that one server keeps up with for a second. */
async function sustained(): Promise<number> {
  let best = 0
  for (const load of [250_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000, 8_000_000]) {
    const result = await measure({
      arrivals: { process: 'constant', rate: load },
      handler,
      batching: { maxBatchSize: 64, maxWait: 0 },
      stop: { duration: SECOND },
    })
    const saturated = result.validity.findings.some(({ code }) => code === 'saturated' || code === 'cut-off')
    if (saturated || result.throughput.completed < 0.99 * load) break
    best = result.throughput.completed
  }
  return best
}

/** One task per request, with enough in flight to keep the thread busy. */
async function tasks(): Promise<number> {
  const pool = new Piscina({
    filename: fileURLToPath(handler),
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 64,
  })
  const until = performance.now() + SECOND
  let done = 0
  const client = async () => {
    while (performance.now() < until) {
      await pool.run([done])
      done++
    }
  }
  await pool.run([0])
  const begun = performance.now()
  await Promise.all(Array.from({ length: 64 }, client))
  const rate = (SECOND * done) / (performance.now() - begun)
  await pool.destroy()
  return rate
}

await compareInRounds(
  'No-op requests through one server thread, in batches of up to 64',
  'requests/s',
  [
    { name: 'measure', perSecond: sustained },
    { name: 'one piscina task a request', perSecond: tasks },
  ],
  ROUNDS,
)

// Measures what limits a run on very many agents: the size of a shard's Result, the time and memory of merging up to 1,000
// of them, and the cost of drawing the whole stream in each agent. With redis-server installed also the time to store and
// load the Results. The tables of docs/validation/agents.md. Run it with `npx tsx bench/speed/merge-shards.ts [AGENTS]`.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { measure, type Result } from 'throughline'
import { RunKeys } from '../../src/measure/agents/protocol.js'
import { table } from '../../src/report/terminal/table.js'
import { mergeShardResults } from '../../src/result/merge/merge-results.js'
import { poisson } from '../../src/scenario/arrivals/arrivals.js'
import { dueTimes } from '../../src/scenario/arrivals/schedule.js'
import { dueTimesOfShard } from '../../src/scenario/arrivals/shard.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { count, threeDigits } from '../../src/text/number.js'
import { hasRedis, startRedis } from '../../test/support/processes/redis.js'

const AGENTS = Number(process.argv[2] ?? 1000)
/** A million requests a second: each agent sends 1,000. */
const RATE = 1_000_000
const of = (agents: number) => [10, 100, 1000].filter((each) => each <= agents)

const server = createServer((_, response) => response.end('ok'))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const scenario = {
  arrivals: poisson(RATE),
  http: { url, connections: 50 },
  stop: { duration: '10s' },
  warmup: { duration: '1s' },
}
const own = await measure(scenario, { shard: { index: 1, count: 1000 } })
server.closeAllConnections()
server.close()

const text = JSON.stringify(own)
console.log(
  `A shard's Result of ${count(own.counts.offered)} requests (lag p50 ${threeDigits(own.lagMs.p50)} ms, p99 ${threeDigits(own.lagMs.p99)} ms) has ${count(text.length)} bytes.\n`,
)

/** The Result of another shard, as text, with buckets of its own. */
const shardText = (index: number) => {
  const result = JSON.parse(text) as Result
  if (result.shard !== undefined) result.shard.index = index
  return JSON.stringify(result)
}

const rows = []
for (const agents of of(AGENTS)) {
  const texts = Array.from({ length: agents }, (_, i) => shardText(i + 1))
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const begun = performance.now()
  const results = texts.map((each, i) => ({ name: `agent-${i + 1}`, result: JSON.parse(each) as Result }))
  const parsed = performance.now()
  const held = process.memoryUsage().heapUsed - before
  const merged = mergeShardResults(results, [])
  const done = performance.now()
  rows.push([
    count(agents),
    threeDigits(parsed - begun),
    threeDigits(done - parsed),
    threeDigits(held / 1e6),
    threeDigits(process.resourceUsage().maxRSS / 1e3),
    threeDigits(JSON.stringify(merged).length / 1e3),
    ...(await redisTimes(texts)),
  ])
}
console.log(
  table(
    [
      { header: 'agents' },
      { header: 'parse\nms' },
      { header: 'merge\nms' },
      { header: 'Results\nMB' },
      { header: 'process\nMB' },
      { header: 'merged\nkB' },
      { header: 'store\nms' },
      { header: 'load, parse\nms' },
      { header: 'Redis\nMB' },
    ],
    rows,
  ),
)

/** Stores outcomes in a Redis of its own, and loads them as the coordinator does. */
async function redisTimes(texts: string[]): Promise<string[]> {
  if (!hasRedis) return ['–', '–', '–']
  const redis = await startRedis()
  const client = new Redis(redis.url)
  const keys = new RunKeys(client, 'bench')
  const begun = performance.now()
  for (const [i, each] of texts.entries()) await keys.end(i + 1, { result: JSON.parse(each) })
  const stored = performance.now()
  const found = await keys.outcomes()
  const loaded = performance.now()
  if (found.size !== texts.length) throw new Error(`${found.size} of ${texts.length} outcomes were loaded`)
  const [, used] = /used_memory:(\d+)/.exec(await client.info('memory')) ?? []
  client.disconnect()
  await redis.stop()
  return [threeDigits(stored - begun), threeDigits(loaded - stored), threeDigits(Number(used) / 1e6)]
}

// each agent draws the due times of all requests, and keeps its own
const { arrivals, seed } = resolveScenario(scenario, 'measure')
if (arrivals.process === 'closed') throw new Error('it is an open loop')
const draw = dueTimesOfShard(dueTimes(arrivals, seed), { index: 1, count: 1000 })
const block = new Float64Array(1)
const OWN = 10_000
const begun = performance.now()
for (let i = 0; i < OWN; i++) draw(block)
const perSecond = (performance.now() - begun) / (OWN / 1000)
console.log(
  `\nTo draw the ${count(RATE)} due times of a second takes an agent ${threeDigits(perSecond)} ms, ${threeDigits((1e6 * perSecond) / RATE)} ns each.`,
)

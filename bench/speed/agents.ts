// Compares sweeps on agents over Redis with the same on threads of one process: those that each sweep starts, or with --warm
// threads that are kept, as agents keep theirs. Needs redis-server, and the build. Run it with `npx tsx
// bench/speed/agents.ts [--warm] [ROUNDS] [POINTS] [REQUESTS] [WORKERS]`.
import { affine, exponential, type Scenario, sweep } from 'throughline'
import { SIMULATE } from '../../dist/explore/tasks.js'
import { resolveScenario } from '../../dist/scenario/scenario.js'
import { startThread } from '../../dist/threads/thread.js'
import { spreadOf } from '../../src/report/spread.js'
import { table } from '../../src/report/terminal/table.js'
import { count, threeDigits } from '../../src/text/number.js'
import { Agents } from '../../test/support/processes/agents.js'
import { startRedis } from '../../test/support/processes/redis.js'
import { inRounds } from '../rounds.js'

const isWarm = process.argv.includes('--warm')
const [ROUNDS = 3, POINTS = 1000, REQUESTS = 10_000, WORKERS = 8] = process.argv
  .slice(2)
  .filter((each) => each !== '--warm')
  .map(Number)

const seeds = Array.from({ length: POINTS }, (_, i) => i + 1)
const scenario: Scenario = {
  arrivals: 80,
  service: affine({ base: '10ms', variation: exponential() }),
  stop: { requests: REQUESTS },
}

const redis = await startRedis()
const agents = new Agents()
await Promise.all(Array.from({ length: WORKERS }, () => agents.start(redis.url, '--threads', '1')))
const threads = isWarm ? await startThread<object, object>(SIMULATE.file, SIMULATE.name, WORKERS) : null

const onAgents = () => sweep(scenario, { seed: seeds }, { cache: false, on: { redis: redis.url } })
const onThreads = () => sweep(scenario, { seed: seeds }, { cache: false, threads: WORKERS })
function onKeptThreads(): Promise<unknown> {
  const fractions = new SharedArrayBuffer(8 * POINTS)
  const stopFlag = new SharedArrayBuffer(4)
  return Promise.all(
    seeds.map((seed, index) => {
      const resolved = resolveScenario({ ...scenario, seed }, 'simulate')
      return threads?.run({ scenario: resolved, index, fractions, stopFlag })
    }),
  )
}

/** Milliseconds a point. */
const timed = (run: () => Promise<unknown>) => async () => {
  const begun = performance.now()
  await run()
  return (performance.now() - begun) / POINTS
}

try {
  const [ours, theirs] = (await inRounds([timed(onAgents), timed(isWarm ? onKeptThreads : onThreads)], ROUNDS)) as [
    number[],
    number[],
  ]
  const against = (of: (ours: number, theirs: number) => number) => ours.map((each, i) => of(each, theirs[i] as number))
  const row = (name: string, values: number[]) => {
    const { median, low, high } = spreadOf(values)
    return [name, threeDigits(median), `${threeDigits(low)} to ${threeDigits(high)}`]
  }
  console.log(
    `\n ${count(POINTS)} points of ${count(REQUESTS)} requests, ${WORKERS} workers, ${ROUNDS} interleaved rounds\n`,
  )
  console.log(
    table(
      [{ header: '', align: 'left' }, { header: 'median' }, { header: 'spread' }],
      [
        row(`${WORKERS} agents, ms a point`, ours),
        row(`${WORKERS} ${isWarm ? 'kept ' : ''}threads of one process, ms a point`, theirs),
        row(
          'overhead of agents, ms a point',
          against((a, b) => a - b),
        ),
        row(
          'agents over threads',
          against((a, b) => a / b),
        ),
      ],
    ),
  )
} finally {
  await threads?.destroy()
  await agents.killAll()
  await redis.stop()
}

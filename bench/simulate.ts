// Measures the speed of `simulate` compared with other simulators of the same queues, each recording every latency. Run it
// with `npm run bench`, or alone with `npx tsx bench/simulate.ts [ROUNDS]`. C++ and SimPy take part if installed.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { affine, exponential, type Scenario, simulate } from '../src/index.js'
import { resolveScenario } from '../src/scenario/scenario.js'
import { Engine } from '../src/simulate/engine.js'
import { jsSimulator } from './peers/js-simulator.js'
import { batchLoop, loop } from './peers/loop.js'
import { simjs } from './peers/simjs.js'
import { type Contender, compareInRounds } from './rounds.js'

const ROUNDS = Number(process.argv[2] ?? 9)
const REQUESTS = 10_000_000
/** For those that are much slower. */
const FEWER = 100_000

const here = (file: string) => fileURLToPath(new URL(`./peers/${file}`, import.meta.url))
const memoryless = affine({ base: '10ms', variation: exponential() })
const mm1: Scenario = { arrivals: 80, service: memoryless }
const mm4: Scenario = { arrivals: 320, servers: 4, service: memoryless }
// 80 % of the capacity of batches of 50, which is 50 in 20 ms
const batches: Scenario = {
  arrivals: 2000,
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxBatchSize: 50, maxWait: 0 },
}

const cpp = compiled()
const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import SimPy']).status === 0)

/** The path of the C++ queues; null if there is no compiler. */
function compiled(): string | null {
  const to = join(mkdtempSync(join(tmpdir(), 'throughline-')), 'queue')
  const { status } = spawnSync('g++', ['-O2', '-std=c++17', '-o', to, here('queue.cpp')])
  return status === 0 ? to : null
}

/** Requests a second of something that runs here. */
const timed = (requests: number, run: (requests: number) => unknown) => () => {
  const begun = performance.now()
  run(requests)
  return (1000 * requests) / (performance.now() - begun)
}

/** Requests per second, as printed by another program. */
const externalRate =
  (command: string, ...args: string[]) =>
  () =>
    Number(execFileSync(command, args, { encoding: 'utf8' }).split(' ')[0])

function contenders(name: string, scenario: Scenario, others: Contender[]): Contender[] {
  const ours = (requests: number) => simulate({ ...scenario, stop: { requests } })
  return [
    { name: 'simulate', perSecond: timed(REQUESTS, ours) },
    ...(cpp === null
      ? []
      : [
          { name: 'C++ event queue', perSecond: externalRate(cpp, 'events', name, String(REQUESTS)) },
          { name: 'C++ straight loop', perSecond: externalRate(cpp, 'recurrence', name, String(REQUESTS)) },
        ]),
    ...others,
    ...(python === undefined
      ? []
      : [{ name: 'SimPy', perSecond: externalRate(python, here('queue.py'), name, String(FEWER)) }]),
  ]
}

if (cpp === null) console.log(' g++ is not installed: without the C++ queues')
if (python === undefined) console.log(' SimPy is not installed: without it')

await compareInRounds(
  'M/M/1 at 80 % load',
  'requests/s',
  contenders('mm1', mm1, [
    { name: 'JavaScript straight loop', perSecond: timed(REQUESTS, (n) => loop(12_500_000, 1, n)) },
    { name: 'js-simulator', perSecond: timed(FEWER, (n) => jsSimulator(12.5, 10, 1, n)) },
    { name: 'simjs', perSecond: timed(FEWER, (n) => simjs(12.5, 10, 1, n)) },
  ]),
  ROUNDS,
)
await compareInRounds(
  'M/M/4 at 80 % load',
  'requests/s',
  contenders('mm4', mm4, [
    { name: 'JavaScript straight loop', perSecond: timed(REQUESTS, (n) => loop(3_125_000, 4, n)) },
    { name: 'js-simulator', perSecond: timed(FEWER, (n) => jsSimulator(3.125, 10, 4, n)) },
    { name: 'simjs', perSecond: timed(FEWER, (n) => simjs(3.125, 10, 4, n)) },
  ]),
  ROUNDS,
)
await compareInRounds(
  'Batches of up to 50 at 80 % load, 7.5 ms + 0.25 ms a request',
  'requests/s',
  contenders('batches', batches, [
    { name: 'JavaScript straight loop', perSecond: timed(REQUESTS, (n) => batchLoop(500_000, 50, n)) },
  ]),
  ROUNDS,
)

/** The engine alone, without the histograms of a Result, whose cost does not depend on the length of the run. */
const engine = (requests: number) => new Engine(resolveScenario({ ...mm1, stop: { requests } }, 'simulate')).run()
await compareInRounds(
  'M/M/1 by length: the cost of a request does not grow',
  'requests/s',
  [30_000_000, 10_000_000, 1_000_000, 100_000].map((requests) => ({
    name: `${requests.toLocaleString('en')} requests`,
    perSecond: timed(requests, engine),
  })),
  Math.min(ROUNDS, 3),
)

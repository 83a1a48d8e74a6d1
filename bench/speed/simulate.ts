// Compares the speed of `simulate` with other simulators of the same queues; all record every latency. Run
// it with `npm run bench`, or with `npx tsx bench/speed/simulate.ts [ROUNDS]`; `--result` measures only what a Result costs.
// C++ and SimPy take part if they are installed.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { affine, exponential, type Scenario, simulate } from '../../src/index.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { Engine } from '../../src/simulate/engine.js'
import { type Contender, compareInRounds } from '../rounds.js'
import { jsSimulator } from './peers/js-simulator.js'
import { batchLoop, loop } from './peers/loop.js'
import { simjs } from './peers/simjs.js'

/**
 * Measures the fixed cost of a Result: the CPU time of simulating 10,000 requests, less 10,000 requests' part of a run of
 * a million. Each median is of 200 warm runs.
 */
function resultCost(): void {
  const cpuMs = (requests: number, runs: number) => {
    const times = Array.from({ length: runs }, () => {
      const before = process.cpuUsage()
      simulate({ ...mm1, stop: { requests } })
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    })
    return times.sort((a, b) => a - b)[runs >> 1] as number
  }
  cpuMs(10_000, 100)
  const small = cpuMs(10_000, 200)
  const fixed = small - (cpuMs(1_010_000, 5) - small) / 100
  console.log(`simulating 10,000 requests takes ${small.toFixed(1)} ms of CPU time, ${fixed.toFixed(1)} ms of it fixed`)
}

const ROUNDS = Number(process.argv.slice(2).find((argument) => argument !== '--result') ?? 9)
const REQUESTS = 10_000_000
/** For simulators that are much slower. */
const FEWER = 100_000

const here = (file: string) => fileURLToPath(new URL(`./peers/${file}`, import.meta.url))
const memoryless = affine({ base: '10ms', variation: exponential() })
const mm1: Scenario = { arrivals: 80, service: memoryless }
const mm4: Scenario = { arrivals: 320, servers: 4, service: memoryless }
// 80 % of the capacity of batches of 50, which take 20 ms
const batches: Scenario = {
  arrivals: 2000,
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxBatchSize: 50, maxWait: 0 },
}

const cpp = compiled()
const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import SimPy']).status === 0)

/** The path of the compiled C++ queues; null without a compiler. */
function compiled(): string | null {
  const to = join(mkdtempSync(join(tmpdir(), 'throughline-')), 'queue')
  const { status } = spawnSync('g++', ['-O2', '-std=c++17', '-o', to, here('queue.cpp')])
  return status === 0 ? to : null
}

/** Requests per second of a function. */
const timed = (requests: number, run: (requests: number) => unknown) => () => {
  const begun = performance.now()
  run(requests)
  return (1000 * requests) / (performance.now() - begun)
}

/** Requests per second as another program reports them. */
const reported =
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
          { name: 'C++ event queue', perSecond: reported(cpp, 'events', name, String(REQUESTS)) },
          { name: 'C++ straight loop', perSecond: reported(cpp, 'recurrence', name, String(REQUESTS)) },
        ]),
    ...others,
    ...(python === undefined
      ? []
      : [{ name: 'SimPy', perSecond: reported(python, here('queue.py'), name, String(FEWER)) }]),
  ]
}

resultCost()
if (process.argv.includes('--result')) process.exit()
if (cpp === null) console.log(' no g++: skipping the C++ queues')
if (python === undefined) console.log(' no SimPy: skipping it')

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

/** The engine without building a Result, which costs the same for a run of any length. */
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

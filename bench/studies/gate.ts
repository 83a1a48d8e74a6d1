// How often a regression gate is right: real runs of `throughline compare --base-ref` in a generated repository with branches
// that are 0, 5, 10, 20 and 100 % slower than main in one scenario.
//
//   npx tsx bench/studies/gate.ts --runs 25 --record gate.jsonl            25 gates of each branch, one after the other: 50 minutes
//   npx tsx bench/studies/gate.ts --runs 25 --changes 0 --from 25 --record gate.jsonl    more of one of them: 12 minutes
//   npx tsx bench/studies/gate.ts --runs 4 --scenarios 5                   gates of five scenarios
//   npx tsx bench/studies/gate.ts --resample gate.jsonl --runs 2000        recorded gates, and more resampled from their pairs
//   npx tsx bench/studies/gate.ts --peer                                   the verdicts of `vitest bench --compare` on the same branches

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isCheckpoint } from '../../src/budget/checkpoints.js'
import { comparePairs } from '../../src/budget/compare-pairs.js'
import { type Comparison, type ComparisonVerdict, overallVerdict, type Pair } from '../../src/budget/comparison.js'
import type { GateReport } from '../../src/gate/gate-report.js'
import { stream } from '../../src/random/stream.js'
import { spreadOf } from '../../src/report/spread.js'

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '2' },
    from: { type: 'string', default: '0' },
    changes: { type: 'string', default: '0,5,10,20,100' },
    scenarios: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '20' },
    record: { type: 'string' },
    resample: { type: 'string' },
    peer: { type: 'boolean', default: false },
  },
})
const runs = Number(given.runs)
const changes = given.changes.split(',').map(Number)
const scenarios = Number(given.scenarios)
const rounds = Number(given.rounds)
const root = resolve(import.meta.dirname, '../..')

/** About 2 ms of arithmetic. */
const STEPS = 1_200_000

/** A recorded gate, with its pairs. */
interface GateRecord {
  /** percent */
  change: number
  scenarios: number
  verdict: GateReport['verdict']
  ms: number
  /** smallest detectable change of the scenario that changes; null if unknown */
  detectable: number | null
  /** the scenario that changes */
  comparison: Pick<Comparison, 'pairs' | 'rounds' | 'base' | 'head'>
}

/** Makes a repository with the scenarios on main, and a branch for each change of the first one. */
function makeRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-gate-'))
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const commit = (message: string) => {
    git('add', '--all')
    git('-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '--allow-empty', '--message', message)
  }
  git('init', '--initial-branch=main')
  write('package.json', '{ "type": "module" }')
  write('.gitignore', 'node_modules\n*.json\n!package.json\n')
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  write('work.js', readFileSync(join(root, 'bench/studies/busy/work.js'), 'utf8'))
  const cost = (change: number) => `export const steps = ${Math.round(STEPS * (1 + change / 100))}\n`
  write('cost.js', cost(0))
  const handler = (steps: string, imports: string) =>
    `import { work } from './work.js'\n${imports}export default (batch) => batch.map(() => work(${steps}))\n`
  write('changing.js', handler('steps', "import { steps } from '../speed/cost.js'\n"))
  write('steady.js', handler(String(STEPS), ''))
  const names = ['changing', ...Array.from({ length: scenarios - 1 }, (_, i) => `steady${i + 1}`)]
  const exported = names.map((name) => {
    const module = name === 'changing' ? 'changing' : 'steady'
    return `export const ${name} = { arrivals: '200/s', handler: new URL('./${module}.js', import.meta.url) }\n`
  })
  write('shop.throughline.js', exported.join(''))
  write(
    'shop.bench.js',
    `import { bench } from 'vitest'\nimport serve from './changing.js'\nbench('changing', () => { serve([0]) })\n`,
  )
  commit('base')
  for (const change of changes) {
    git('switch', '--create', `slower-${change}`, 'main')
    write('cost.js', cost(change))
    commit(`${change} % slower`)
  }
  return folder
}

function runGate(folder: string): Promise<GateReport> {
  const args = ['compare', '--base-ref', 'main', '--rounds', given.rounds, '--json']
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      try {
        resolve(JSON.parse(printed))
      } catch {
        reject(new Error(`the gate printed no report: ${output}`))
      }
    })
  })
}

async function runGates(folder: string): Promise<void> {
  const all: GateRecord[] = []
  console.log('| change | verdict | pairs | seconds | detects |\n| --- | --- | --- | --- | --- |')
  for (let run = Number(given.from); run < Number(given.from) + runs; run++) {
    const random = stream(run, 'order of branches')
    const order = changes.map((change) => ({ change, at: random.uniform() })).sort((a, b) => a.at - b.at)
    for (const { change } of order) {
      execFileSync('git', ['switch', '--quiet', `slower-${change}`], { cwd: folder })
      const started = performance.now()
      const { verdict, scenarios: gated } = await runGate(folder)
      const ms = performance.now() - started
      const scenario = gated.find(({ name }) => name === 'changing')
      if (scenario === undefined || scenario.comparison === null) throw new Error(JSON.stringify(gated))
      const { pairs, rounds, base, head } = scenario.comparison
      const detectable = Math.min(...Object.values(scenario.detectable?.changes ?? {}))
      const recorded: GateRecord = {
        ...{ change, scenarios, verdict, ms },
        detectable: Number.isFinite(detectable) ? detectable : null,
        comparison: { pairs, rounds, base, head },
      }
      all.push(recorded)
      if (given.record !== undefined) appendFileSync(given.record, `${JSON.stringify(recorded)}\n`)
      console.log(
        `| ${change} % | ${verdict} | ${pairs.length} | ${(ms / 1000).toFixed(1)} | ${percentOf(recorded.detectable)} |`,
      )
    }
  }
  summarize(all)
}

const percentOf = (fraction: number | null) => (fraction === null ? '–' : `${(100 * fraction).toFixed(1)} %`)
const fractionText = (times: number, of: number) => `${((100 * times) / of).toFixed(1)} %`

/** Prints a row for each change: the number of each verdict, and the time. */
function summarize(all: readonly GateRecord[]): void {
  console.log(`\n| change | scenarios | gates | fail | pass | inconclusive | seconds, median | longest | detects, median |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |`)
  for (const { change, scenarios, of } of groups(all)) {
    const times = (verdict: GateReport['verdict']) => of.filter((each) => each.verdict === verdict).length
    const seconds = of.map(({ ms }) => ms / 1000)
    const found = of.flatMap(({ detectable }) => detectable ?? [])
    const cells = [
      ...[`${change} %`, scenarios, of.length, times('fail'), times('pass'), times('inconclusive')],
      ...[spreadOf(seconds).median.toFixed(1), Math.max(...seconds).toFixed(1)],
      found.length === 0 ? '–' : percentOf(spreadOf(found).median),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  const unchanged = groups(all).find(({ change }) => change === 0)
  if (unchanged !== undefined) compareTwoJobs(all)
}

function groups(all: readonly GateRecord[]) {
  const keys = [...new Set(all.map(({ change, scenarios }) => `${scenarios} ${change}`))]
  return keys.map((key) => {
    const of = all.filter(({ change, scenarios }) => `${scenarios} ${change}` === key)
    const [first] = of as [GateRecord]
    return { change: first.change, scenarios: first.scenarios, of }
  })
}

/** Prints the result of a point estimate with base from one gate and head from another, as with two jobs. */
function compareTwoJobs(all: readonly GateRecord[]): void {
  const meanOf = ({ comparison: { pairs } }: GateRecord, side: 'base' | 'head') =>
    spreadOf(pairs.flatMap((pair) => pair[side].figures.mean ?? [])).median
  console.log(
    '\n| a point estimate of two jobs: change | comparisons | more than 5 % slower | more than 10 % slower |\n| --- | --- | --- | --- |',
  )
  for (const { change, of } of groups(all)) {
    const ratios = of.flatMap((head) =>
      all.filter((base) => base !== head).map((base) => meanOf(head, 'head') / meanOf(base, 'base')),
    )
    if (ratios.length === 0) continue
    const above = (limit: number) => fractionText(ratios.filter((ratio) => ratio > limit).length, ratios.length)
    console.log(`| ${change} % | ${ratios.length} | ${above(1.05)} | ${above(1.1)} |`)
  }
}

/** Judges pairs as `compare` does: at the first checkpoint that decides. */
function judgePairs(pairs: readonly Pair[], sides: Pick<Comparison, 'base' | 'head'>): ComparisonVerdict {
  for (let n = 1; ; n++) {
    if (!isCheckpoint(n, rounds)) continue
    const { metrics } = comparePairs(pairs.slice(0, n), { within: 0.05, rounds })
    const { verdict } = overallVerdict({ of: 'mean', metrics, ...sides })
    if (verdict !== 'inconclusive' || n === rounds) return verdict
  }
}

/** Number of consecutive pairs that are drawn together, to keep slow periods of the machine. */
const SEGMENT = 5

/**
 * Judges gates resampled from the recorded pairs: with one scenario, and with five scenarios and a change in one, with a second
 * comparison of a slower scenario.
 */
function resample(file: string): void {
  const all = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line): GateRecord => JSON.parse(line))
  summarize(all)
  const random = stream(1, 'resample')
  const pools = new Map(
    groups(all).map(({ change, of }) => [
      change,
      {
        sides: (of[0] as GateRecord).comparison,
        segments: of.flatMap(({ comparison: { pairs } }) => splitSegments(pairs)),
      },
    ]),
  )
  const judge = (change: number): ComparisonVerdict => {
    const pool = pools.get(change)
    if (pool === undefined) throw new Error(`there are no pairs of ${change} %`)
    const drawn: Pair[] = []
    while (drawn.length < rounds) {
      drawn.push(...(pool.segments[Math.floor(random.uniform() * pool.segments.length)] as Pair[]))
    }
    return judgePairs(drawn.slice(0, rounds), pool.sides)
  }
  const fails = (change: number, confirms: boolean) =>
    judge(change) === 'slower' && (!confirms || judge(change) === 'slower')
  console.log(`\n| change | recorded segments | resampled gates | one scenario: fail | inconclusive | five scenarios: fail |
| --- | --- | --- | --- | --- | --- |`)
  for (const [change, { segments }] of pools) {
    let [one, open, five] = [0, 0, 0]
    for (let run = 0; run < runs; run++) {
      const verdict = judge(change)
      if (verdict === 'slower') one++
      if (verdict === 'inconclusive') open++
      const unchanged = pools.has(0) ? [0, 0, 0, 0] : []
      if ([change, ...unchanged].map((each) => fails(each, true)).some((failed) => failed)) five++
    }
    console.log(
      `| ${change} % | ${segments.length} | ${runs} | ${fractionText(one, runs)} | ${fractionText(open, runs)} | ${pools.has(0) ? fractionText(five, runs) : '–'} |`,
    )
  }
}

/** Splits pairs into overlapping segments. A shorter gate is one segment. */
function splitSegments(pairs: readonly Pair[]): Pair[][] {
  if (pairs.length <= SEGMENT) return [[...pairs]]
  return Array.from({ length: pairs.length - SEGMENT + 1 }, (_, i) => pairs.slice(i, i + SEGMENT))
}

/** Prints the output and exit code of `vitest bench --compare` for each branch. */
function runPeer(folder: string): void {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, [vitest, 'bench', '--run', ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })
  const stored = join(folder, 'results/base.json')
  mkdirSync(dirname(stored))
  execFileSync('git', ['switch', '--quiet', 'main'], { cwd: folder })
  bench('--outputJson', stored)
  console.log('| change | exit code of vitest bench --compare | what it prints |\n| --- | --- | --- |')
  for (const change of changes) {
    execFileSync('git', ['switch', '--quiet', `slower-${change}`], { cwd: folder })
    const { status, stdout } = bench('--compare', stored)
    const [output] = /\[[\d.]+x\] ?\S*/.exec(stdout) ?? ['nothing']
    console.log(`| ${change} % | ${status} | ${output} |`)
  }
}

if (given.resample !== undefined) resample(given.resample)
else {
  const folder = makeRepository()
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  try {
    if (given.peer) runPeer(folder)
    else await runGates(folder)
  } finally {
    remove()
  }
}

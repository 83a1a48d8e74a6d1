// How often a regression gate is right, and how long it takes: recorded on a quiet machine, in pieces that add up.
//
//   npx tsx bench/studies/gate.ts --record gate.jsonl --minutes 45    records; a second run with the same file continues
//   npx tsx bench/studies/gate.ts --record gate.jsonl --kinds 'gate 1'  records gates of one scenario only
//   npx tsx bench/studies/gate.ts --report gate.jsonl --runs 2000     prints what was recorded, and gates resampled from it
//
// It records, of code that is 0, 5, 10, 20 and 100 % slower:
//   - segments: five pairs of rounds of `throughline compare`, without a verdict. Gates are resampled from them
//   - gates: runs of `throughline compare --base-ref` in a generated repository, with one scenario and with five
//   - peers: `vitest bench --compare` of the same commits

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Comparison, ComparisonVerdict, Pair } from '../../src/budget/comparison/comparison.js'
import { defaultRounds } from '../../src/gate/gate.js'
import type { GateReport } from '../../src/gate/gate-report.js'
import { stream } from '../../src/random/stream.js'
import { spreadOf } from '../../src/report/spread.js'
import { type Judged, judgePairs } from './judge-pairs.js'

const { values: given } = parseArgs({
  options: {
    record: { type: 'string' },
    minutes: { type: 'string', default: '45' },
    report: { type: 'string' },
    runs: { type: 'string', default: '2000' },
    kinds: { type: 'string' },
  },
})
const root = resolve(import.meta.dirname, '../..')

/** Percent by which head is slower than base. */
const CHANGES = [0, 5, 10, 20, 100]
/** About 2 ms of arithmetic. */
const STEPS = 1_200_000
/** Number of consecutive pairs that are recorded and drawn together, to keep slow periods of the machine. */
const SEGMENT = 5
/** Numbers of pairs to choose from. */
const ROUNDS_TRIED = [16, 24, 32, 40, 56]
const DEFAULTS = new Map([
  [defaultRounds(1), ' (default of one)'],
  [defaultRounds(5), ' (default of five)'],
])

interface SegmentRecord {
  kind: 'segment'
  change: number
  ms: number
  comparison: Pick<Comparison, 'pairs' | 'base' | 'head'>
}
interface GateRecord {
  kind: 'gate 1' | 'gate 5'
  change: number
  ms: number
  verdict: GateReport['verdict']
  /** number of pairs of the scenario that changes */
  pairs: number
  /** smallest detectable change of the scenario that changes; null if unknown */
  detectable: number | null
}
interface PeerRecord {
  kind: 'peer'
  change: number
  ms: number
  code: number | null
  /** such as `[1.05x] ⇓` */
  printed: string
}
type Recorded = SegmentRecord | GateRecord | PeerRecord

/** The fraction of the time that each kind of record takes. */
const SHARES: Record<Recorded['kind'], number> = { segment: 0.45, 'gate 1': 0.35, 'gate 5': 0.15, peer: 0.05 }
const KINDS = (given.kinds?.split(',') ?? Object.keys(SHARES)) as Recorded['kind'][]

function readRecords(file: string): Recorded[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

/** Records until the time is up. The next record is of the kind that had the least time for its fraction, and of the rarest change. */
async function record(file: string, minutes: number): Promise<void> {
  const folder = makeRepository()
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const until = performance.now() + minutes * 60_000
  const all = readRecords(file)
  while (performance.now() < until) {
    const spent = (kind: Recorded['kind']) =>
      all.filter((each) => each.kind === kind).reduce((total, { ms }) => total + ms, 0) / SHARES[kind]
    const kind = KINDS.reduce((least, each) => (spent(each) < spent(least) ? each : least))
    const count = (change: number) => all.filter((each) => each.kind === kind && each.change === change).length
    const random = stream(all.length, 'order of changes')
    const change = CHANGES.map((each) => ({ each, rank: count(each) + random.uniform() })).reduce((a, b) =>
      b.rank < a.rank ? b : a,
    ).each
    const started = performance.now()
    const measured = await recordOne(folder, kind, change, all.length)
    const recorded = { kind, change, ms: performance.now() - started, ...measured } as Recorded
    all.push(recorded)
    appendFileSync(file, `${JSON.stringify(recorded)}\n`)
    const what = 'verdict' in recorded ? recorded.verdict : 'printed' in recorded ? recorded.printed : ''
    console.log(`${kind}, ${change} % slower: ${(recorded.ms / 1000).toFixed(1)} s ${what}`)
  }
}

async function recordOne(folder: string, kind: Recorded['kind'], change: number, seed: number): Promise<object> {
  if (kind === 'peer') return runPeer(folder, change)
  if (kind === 'segment') {
    // a change of up to 100 % is never clear after so few pairs, so all of them run
    const args = ['at-0.js', `at-${change}.js`, '--arrivals', '200/s', '--seed', String(seed + 1)]
    const { pairs, base, head }: Comparison = await throughline(folder, ...args, '--rounds', String(SEGMENT))
    return { comparison: { pairs, base, head } }
  }
  execFileSync('git', ['switch', '--quiet', `slower-${change}`], { cwd: folder })
  const scenarios = kind === 'gate 1' ? 'one.throughline.js' : 'five.throughline.js'
  const report: GateReport = await throughline(folder, '--base-ref', 'main', scenarios)
  const scenario = report.scenarios.find(({ name }) => name === 'changing')
  if (scenario === undefined || scenario.comparison === null) throw new Error(JSON.stringify(report.scenarios))
  const detectable = Math.min(...Object.values(scenario.detectable?.changes ?? {}))
  return {
    verdict: report.verdict,
    pairs: scenario.comparison.pairs.length,
    detectable: Number.isFinite(detectable) ? detectable : null,
  }
}

/** Makes a repository with the scenarios on main, a branch for each change of the first one, and a module for each change. */
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
  const stepsOf = (change: number) => Math.round(STEPS * (1 + change / 100))
  const cost = (change: number) => `export const steps = ${stepsOf(change)}\n`
  write('cost.js', cost(0))
  const handler = (steps: string, imports = '') =>
    `import { work } from './work.js'\n${imports}export default (batch) => batch.map(() => work(${steps}))\n`
  write('changing.js', handler('steps', "import { steps } from './cost.js'\n"))
  write('steady.js', handler(String(STEPS)))
  for (const change of CHANGES) write(`at-${change}.js`, handler(String(stepsOf(change))))
  const scenario = (name: string, module: string) =>
    `export const ${name} = { arrivals: '200/s', handler: new URL('./${module}.js', import.meta.url) }\n`
  const steady = [1, 2, 3, 4].map((i) => scenario(`steady${i}`, 'steady'))
  write('one.throughline.js', scenario('changing', 'changing'))
  write('five.throughline.js', scenario('changing', 'changing') + steady.join(''))
  write(
    'shop.bench.js',
    `import { bench } from 'vitest'\nimport serve from './changing.js'\nbench('changing', () => { serve([0]) })\n`,
  )
  commit('base')
  for (const change of CHANGES) {
    git('switch', '--create', `slower-${change}`, 'main')
    write('cost.js', cost(change))
    commit(`${change} % slower`)
  }
  return folder
}

/** Runs `throughline compare … --json`. */
function throughline<T>(folder: string, ...args: string[]): Promise<T> {
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'compare', ...args, '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      try {
        resolve(JSON.parse(output.stdout))
      } catch {
        reject(new Error(`throughline compare ${args.join(' ')} printed no report: ${output.stderr}`))
      }
    })
  })
}

/** Runs `vitest bench` on main, and compares a branch with it. */
function runPeer(folder: string, change: number): Pick<PeerRecord, 'code' | 'printed'> {
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'bench', '--run', ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })
  const stored = join(folder, 'results/base.json')
  mkdirSync(join(folder, 'results'), { recursive: true })
  execFileSync('git', ['switch', '--quiet', 'main'], { cwd: folder })
  bench('--outputJson', stored)
  execFileSync('git', ['switch', '--quiet', `slower-${change}`], { cwd: folder })
  const { status, stdout } = bench('--compare', stored)
  return { code: status, printed: /\[[\d.]+x\] ?\S*/.exec(stdout)?.[0] ?? 'nothing' }
}

const percentOf = (fraction: number) => `${(100 * fraction).toFixed(1)} %`
const medianOf = (values: readonly number[]) => spreadOf([...values]).median
const isKind =
  <Kind extends Recorded['kind']>(...kinds: Kind[]) =>
  (each: Recorded): each is Extract<Recorded, { kind: Kind }> =>
    kinds.some((kind) => kind === each.kind)

function printTable(titles: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  console.log(['', line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n'))
}

function report(file: string, runs: number): void {
  const all = readRecords(file)
  reportGates(all.filter(isKind('gate 1', 'gate 5')))
  const segments = all.filter(isKind('segment'))
  reportResampled(segments, runs)
  reportTwoJobs(segments)
  reportPeers(all.filter(isKind('peer')))
}

/** Prints the verdicts and times of real gates. */
function reportGates(gates: readonly GateRecord[]): void {
  const rows = (['gate 1', 'gate 5'] as const).flatMap((kind) =>
    CHANGES.flatMap((change) => {
      const of = gates.filter((each) => each.kind === kind && each.change === change)
      if (of.length === 0) return []
      const times = (verdict: GateReport['verdict']) => of.filter((each) => each.verdict === verdict).length
      const seconds = of.map(({ ms }) => ms / 1000)
      const detectable = of.flatMap((each) => each.detectable ?? [])
      return [
        [
          ...[`${change} %`, kind.at(-1) as string, of.length, times('fail'), times('pass'), times('inconclusive')],
          ...[medianOf(seconds).toFixed(1), Math.max(...seconds).toFixed(1), medianOf(of.map(({ pairs }) => pairs))],
          detectable.length === 0 ? '–' : percentOf(medianOf(detectable)),
        ],
      ]
    }),
  )
  const titles = ['slower by', 'scenarios', 'real gates', 'fail', 'pass', 'inconclusive', 'seconds, median', 'longest']
  printTable([...titles, 'pairs, median', 'detects, median'], rows)
}

/**
 * Prints verdicts on gates resampled from the recorded segments, for several numbers of pairs: gates of one scenario, and
 * gates of five scenarios with one slower one, with a second comparison of each scenario that is found slower.
 */
function reportResampled(segments: readonly SegmentRecord[], runs: number): void {
  const pool = new Map(CHANGES.map((change) => [change, segments.filter((each) => each.change === change)]))
  if ([...pool.values()].some((each) => each.length === 0)) return
  const random = stream(1, 'resample')
  const secondsPerPair = medianOf(segments.map(({ ms }) => ms / 1000 / SEGMENT))
  const judge = (change: number, rounds: number) => {
    const from = pool.get(change) as SegmentRecord[]
    const drawn: Pair[] = []
    while (drawn.length < rounds) {
      drawn.push(...(from[Math.floor(random.uniform() * from.length)] as SegmentRecord).comparison.pairs)
    }
    return judgePairs(drawn.slice(0, rounds), rounds, 'mean', (from[0] as SegmentRecord).comparison)
  }
  const rows = ROUNDS_TRIED.flatMap((rounds) => {
    const judged = new Map(CHANGES.map((change) => [change, Array.from({ length: runs }, () => judge(change, rounds))]))
    const draw = (change: number) => (judged.get(change) as Judged[])[Math.floor(random.uniform() * runs)] as Judged
    return CHANGES.map((change) => {
      const ones = judged.get(change) as Judged[]
      const fives = Array.from({ length: runs }, () => {
        const compared = [change, 0, 0, 0, 0].map((each) => {
          const first = draw(each)
          if (first.verdict !== 'slower') return { fails: false, pairs: first.pairs }
          const second = draw(each)
          return { fails: second.verdict === 'slower', pairs: first.pairs + second.pairs }
        })
        const pairs = compared.reduce((total, each) => total + each.pairs, 0)
        return { fails: compared.some(({ fails }) => fails), seconds: pairs * secondsPerPair }
      })
      const fraction = (verdict: ComparisonVerdict) => ones.filter((each) => each.verdict === verdict).length / runs
      const seconds = fives.map((each) => each.seconds).sort((a, b) => a - b)
      return [
        ...[`${rounds}${DEFAULTS.get(rounds) ?? ''}`, `${change} %`],
        ...[
          percentOf(fraction('slower')),
          percentOf(fraction('inconclusive')),
          medianOf(ones.map(({ pairs }) => pairs)),
        ],
        percentOf(fives.filter(({ fails }) => fails).length / runs),
        ...[medianOf(seconds).toFixed(0), (seconds[Math.ceil(0.95 * runs) - 1] as number).toFixed(0)],
      ]
    })
  })
  const counts = CHANGES.map((change) => SEGMENT * (pool.get(change)?.length ?? 0)).join(', ')
  console.log(
    `\n${runs} gates a row, resampled from ${counts} pairs of ${CHANGES.join(', ')} % at ${secondsPerPair.toFixed(2)} s each`,
  )
  const one = ['one scenario: slower', 'inconclusive', 'pairs, median']
  printTable(['rounds', 'slower by', ...one, 'five scenarios: fail', 'seconds, median', '95 of 100 within'], rows)
}

/** Prints the result of a point estimate with base from one job and head from another, with 25 rounds each. */
function reportTwoJobs(segments: readonly SegmentRecord[]): void {
  const jobs = (change: number) => {
    const of = segments.filter((each) => each.change === change).map(({ comparison }) => comparison.pairs)
    return Array.from({ length: Math.floor(of.length / 5) }, (_, i) => of.slice(5 * i, 5 * i + 5).flat())
  }
  const meanOf = (pairs: readonly Pair[], side: 'base' | 'head') =>
    medianOf(pairs.flatMap((pair) => pair[side].figures.mean ?? []))
  const bases = CHANGES.flatMap(jobs)
  const rows = CHANGES.flatMap((change) => {
    const ratios = jobs(change).flatMap((head) =>
      bases.filter((base) => base[0] !== head[0]).map((base) => meanOf(head, 'head') / meanOf(base, 'base')),
    )
    const above = (limit: number) => percentOf(ratios.filter((ratio) => ratio > limit).length / ratios.length)
    return ratios.length === 0 ? [] : [[`${change} %`, ratios.length, above(1.05), above(1.1)]]
  })
  printTable(['a point estimate of two jobs: slower by', 'comparisons', 'over 5 % slower', 'over 10 % slower'], rows)
}

function reportPeers(peers: readonly PeerRecord[]): void {
  const rows = CHANGES.flatMap((change) => {
    const of = peers.filter((each) => each.change === change)
    if (of.length === 0) return []
    const codes = [...new Set(of.map(({ code }) => code))].join(', ')
    return [[`${change} %`, of.length, codes, of.map(({ printed }) => printed).join(', ')]]
  })
  printTable(['vitest bench --compare: slower by', 'runs', 'exit codes', 'printed'], rows)
}

if (given.report !== undefined) report(given.report, Number(given.runs))
else if (given.record !== undefined) await record(given.record, Number(given.minutes))
else {
  console.error('give --record or --report with a file')
  process.exitCode = 2
}

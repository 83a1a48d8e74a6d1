// Measures the CPU time of HTTP requests sent by `measure`, by autocannon and by wrk, ab and hey if they are installed; what
// each feature of `http` adds to it; and the latency that each tool reports for a server that stalls. Each load generator has a
// process of its own. Run it with `npx tsx bench/speed/http.ts`; with `--rounds 15 --seconds 5` for smaller spreads, `--only
// load,features,stall` for a part, `--tools wrk` for some of the tools, and `--base dist-of-another-build/index.js` to compare two
// builds.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { spreadOf } from '../../src/report/spread.js'
import { table } from '../../src/report/terminal/table.js'
import { threeDigits } from '../../src/text/number.js'
import { inRounds } from '../rounds.js'
import { FEATURES } from './http/features.js'
import type { Job, Load, Sent, SentAt } from './http/sender.js'
import type { Served } from './http/server.js'
import { compareStalls } from './http/stall.js'
import { isInstalled, SYSTEM_TOOLS, sendBy } from './http/system-tools.js'

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: 'load,features,stall' },
    tools: { type: 'string', default: 'wrk,ab,hey' },
    base: { type: 'string' },
  },
})
const ROUNDS = Number(asked.rounds)
const SECONDS = Number(asked.seconds)
// ab would run for ever
if (!Number.isInteger(SECONDS) || SECONDS < 1) throw new Error(`--seconds must be a whole number, got ${asked.seconds}`)

const children: ChildProcess[] = []
const start = (file: string, args: string[] = []) => {
  const path = fileURLToPath(new URL(`./http/${file}`, import.meta.url))
  const child = fork(path, args, { execArgv: ['--import', 'tsx'] })
  children.push(child)
  return child
}

/** Sends a message to a child process, and awaits its reply. */
const ask = <Reply>(child: ChildProcess, message: object): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const end = (code: number | null) => reject(new Error(`a process of the benchmark ended with code ${code}`))
    child.once('exit', end)
    child.once('message', (reply: Reply) => {
      child.off('exit', end)
      resolve(reply)
    })
    child.send(message)
  })

const server = start('server.ts')
const [{ url, http2Url }] = (await once(server, 'message')) as [{ url: string; http2Url: string }]

/** One run of a load. */
interface Run {
  /** the CPU time of a request, without what a run takes in any case */
  cpuUs: number
  fixedMs: number
  perSecond: number
  sent: Sent
  served: Served
}

interface Contender {
  name: string
  send(): Promise<SentAt>
}

/** Runs a load, whose requests the server counts too. */
async function run({ name, send }: Contender, { connections }: Load, responses: number): Promise<Run> {
  await ask(server, {})
  const { cpuMs, fixedMs, ...sent } = await send()
  const served = await ask<Served>(server, {})
  // those in flight at the end may be answered, but not be counted by their sender
  const most = responses * (sent.requests + 2 * connections + 2)
  if (served.requests < responses * sent.requests || served.requests > most) {
    throw new Error(`${name} reports ${sent.requests} requests, but the server has answered ${served.requests}`)
  }
  const cpuUs = (1000 * (cpuMs - fixedMs)) / sent.requests
  return { cpuUs, fixedMs, perSecond: sent.requests / sent.seconds, sent, served }
}

const factor = (value: number) => value.toFixed(2)

/** Prints the CPU time a request of each contender, and its ratio to that of another in the same round. */
function print(title: string, contenders: Contender[], runs: Run[][], reference: number, showLatency: boolean): void {
  const cpuOf = (i: number) => (runs[i] as Run[]).map(({ cpuUs }) => cpuUs)
  const rows = contenders.map(({ name }, i) => {
    const own = runs[i] as Run[]
    const cpu = spreadOf(cpuOf(i))
    const ratio = spreadOf(cpuOf(i).map((us, round) => us / (cpuOf(reference)[round] as number)))
    const middle = (figure: (run: Run) => number) => threeDigits(spreadOf(own.map(figure)).median)
    return [
      name,
      threeDigits(cpu.median),
      `${threeDigits(cpu.low)} to ${threeDigits(cpu.high)}`,
      i === reference ? '' : factor(ratio.median),
      i === reference ? '' : `${factor(ratio.low)} to ${factor(ratio.high)}`,
      middle(({ fixedMs }) => fixedMs),
      middle(({ perSecond }) => perSecond),
      ...(showLatency
        ? [
            middle(({ sent }) => sent.p50Ms),
            middle(({ served }) => served.p50Ms),
            middle(({ sent }) => sent.p99Ms),
            middle(({ served }) => served.p99Ms),
          ]
        : []),
    ]
  })
  console.log(`\n ${title}, ${ROUNDS} interleaved rounds of ${SECONDS} s\n`)
  const latency = ['p50, ms\nreported', '\nserver', 'p99, ms\nreported', '\nserver'].map((header) => ({ header }))
  console.log(
    table(
      [
        { header: '', align: 'left' },
        { header: 'CPU a request, us\nmedian' },
        { header: '\nspread' },
        { header: `over ${contenders[reference]?.name}\nmedian` },
        { header: '\nspread' },
        { header: 'and a run\nms' },
        { header: 'requests/s\nmedian' },
        ...(showLatency ? latency : []),
      ],
      rows,
    ),
  )
}

const folder = await mkdtemp(join(tmpdir(), 'throughline-http-'))
const file = join(folder, 'users.csv')
await writeFile(file, ['id', ...Array.from({ length: 1000 }, (_, i) => `user-${i}`), ''].join('\n'))
const ofJob = { url, http2Url, file, path: '', feature: 'none', isSpinning: true }

/** Each tool at the same load. */
async function compareTools(loads: { title: string; load: Load; path: string }[]): Promise<void> {
  const autocannon = start('sender.ts', ['autocannon'])
  const ours = start('sender.ts', ['throughline'])
  const base = asked.base === undefined ? null : start('sender.ts', ['throughline', pathToFileURL(asked.base).href])
  const installed = []
  for (const tool of SYSTEM_TOOLS) {
    if (asked.tools.split(',').includes(tool.name) && (await isInstalled(tool))) installed.push(tool)
  }
  for (const { title, load, path } of loads) {
    const by = (name: string, child: ChildProcess, options: Partial<Job> = {}): Contender => ({
      name,
      send: () => ask(child, { ...ofJob, ...load, path, ...options }),
    })
    const contenders = [
      by('autocannon', autocannon),
      by('measure', ours),
      ...(load.rate === null ? [] : [by('measure, spin: 0', ours, { isSpinning: false })]),
      ...(base === null ? [] : [by('measure of the other build', base)]),
      ...installed.flatMap((tool): Contender[] =>
        tool.args(load) === null ? [] : [{ name: tool.name, send: () => sendBy(tool, load, url + path) }],
      ),
    ]
    const runs = await inRounds(
      contenders.map((contender) => () => run(contender, load, 1)),
      ROUNDS,
    )
    print(title, contenders, runs, 0, true)
    const runsOf = (name: string) => runs[contenders.findIndex((each) => each.name === name)]
    const [now, before] = [runsOf('measure'), runsOf('measure of the other build')]
    if (now === undefined || before === undefined) continue
    const ratio = spreadOf(now.map(({ cpuUs }, round) => cpuUs / (before[round] as Run).cpuUs))
    console.log(
      `\n measure over the other build: ${factor(ratio.median)} (${factor(ratio.low)} to ${factor(ratio.high)})`,
    )
  }
}

/** The requests of a closed loop with each feature, each in a process of its own. */
async function compareFeatures(connections: number): Promise<void> {
  const load: Load = { connections, rate: null, seconds: SECONDS }
  const contenders = Object.keys(FEATURES).map((feature): Contender => {
    const child = start('sender.ts', ['throughline'])
    return { name: feature, send: () => ask(child, { ...ofJob, ...load, feature }) }
  })
  const runs = await inRounds(
    contenders.map((contender) => () => run(contender, load, contender.name.startsWith('a redirect') ? 2 : 1)),
    ROUNDS,
  )
  print(`measure over ${connections} connections, by feature`, contenders, runs, 0, false)
}

try {
  const parts = new Set(asked.only.split(','))
  if (parts.has('load')) {
    const closed = (connections: number) => ({
      title: `As many requests as ${connections} connections send, to a server that answers at once`,
      load: { connections, rate: null, seconds: SECONDS },
      path: '/',
    })
    const open = {
      title: '2,000 requests/s over 50 connections, to a server that answers after 2 ms',
      load: { connections: 50, rate: 2000, seconds: SECONDS },
      path: '/after/2',
    }
    await compareTools([closed(10), closed(100), open])
  }
  if (parts.has('features')) await compareFeatures(10)
  if (parts.has('stall')) await compareStalls(url)
} finally {
  for (const child of children) if (child.connected) child.disconnect()
  await rm(folder, { recursive: true })
}

import { Command, Option } from 'commander'
import type { AgentsOption, MeasureOptions, MeasureProgress } from '../measure/options.js'
import type { Result } from '../result/result.js'
import { requireEvents } from '../scenario/budget.js'
import type { Scenario } from '../scenario/scenario.js'
import { mayHaveEvents, type Targets } from '../scenario/target.js'
import { count, rate, time } from '../text/number.js'
import { isUrl } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import type { RunWatch, WatchFlags } from './machines/run-watch.js'
import {
  addRunOptions,
  EXIT_CODES_OF_BUDGET,
  type RunFlags,
  readRunFlags,
  rejectUnused,
  showRun,
} from './options/run-options.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './options/scenario-options.js'
import { withProgress } from './output.js'
import { parseValue } from './parse-flags.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `${EXIT_CODES_OF_BUDGET}

Examples:
  $ throughline measure --handler ./model.ts --arrivals 800/s --max-batch-size 16 --duration 5s
  $ throughline measure --url http://127.0.0.1:8080/predict --arrivals 200/s
  $ throughline measure --url http://127.0.0.1:8080/orders --header 'content-type: application/json' --body @order.json
      --stages 0:10s,100:30s,0:10s --budget p99=200ms,errorRate=1% --output report.html
  $ throughline measure --url http://127.0.0.1:8080 --trace log.jsonl --trace-field at
  $ throughline measure scenario.ts --servers 2 --json
  $ throughline measure scenario.ts --live 8080
  $ throughline measure scenario.ts --pushgateway http://10.0.0.5:9091
  $ throughline measure scenario.ts --otlp http://10.0.0.5:4318
  $ throughline measure scenario.ts --progress-fd 3 3> progress.jsonl
  $ throughline measure scenario.ts --shard 2/5 --json > shard-2.json`

interface MeasureFlags extends WatchFlags {
  idle?: 'sleep' | 'poll'
  spin?: string
  batchTimeout?: string
  setupTimeout?: string
  shard?: string
  agents?: string
  redis?: string
}

export function measureCommand(terminal: Terminal): Command {
  const command = new Command('measure').description(
    'run a scenario on the real clock, against a handler or an HTTP server',
  )
  addScenarioOptions(command, { handler: true })
  command
    .addOption(
      new Option('--idle <way>', 'idle servers sleep, or poll, which uses a core (default: sleep)').choices([
        'sleep',
        'poll',
      ]),
    )
    .option(
      '--spin <duration>',
      'how long an idle server spins before a batch is due, after sleeping (default: 60us, or 0 on one core)',
    )
    .option(
      '--shard <index/count>',
      'send only one shard of the requests, such as 2/5, while other machines send the others',
    )
    .option('--agents <n>', 'send an HTTP scenario from this many agents, over --redis')
    .option('--redis <url>', 'URL of the Redis of --agents: redis://host:6379')
    .option('--live <port>', 'serve a live report on this port of this machine, or on an address: 0.0.0.0:8080')
    .option('--pushgateway <url>', 'push the metrics of the run to a Prometheus Pushgateway every second')
    .option('--otlp <url>', 'push the metrics of the run to an OpenTelemetry collector every second, over HTTP')
    .option('--progress-fd <n>', 'write a snapshot as a JSON line to this file descriptor every second')
    .option('--batch-timeout <duration>', 'time limit of a batch or request (default: 10s)')
    .option('--setup-timeout <duration>', 'time limit of the setup of a handler (default: 60s)')
  addRunOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: ScenarioFlags & MeasureFlags & RunFlags) => {
    rejectUnused(command, [['redis', 'agents']])
    const asked = await readRunFlags(command, flags)
    const scenario = await buildScenario(file, flags, command)
    const { budget } = asked
    if (budget !== undefined) requireEvents(budget, mayHaveEvents(scenario as Targets), 'budget')
    const result = await measureWatched(terminal, scenario, flags, file ?? 'measure')
    await showRun(terminal, result, asked, file ?? 'measure')
  })
}

/** Measures a scenario, and shows its progress on stderr and where flags ask for it. */
async function measureWatched(
  terminal: Terminal,
  scenario: Scenario,
  flags: MeasureFlags,
  name: string,
): Promise<Result> {
  const { measure } = await import('../measure/measure.js')
  // reading percentiles in this process would disturb a target in this process
  const describeProgress = progressDescriber(typeof scenario.handler === 'string' || isUrl(scenario.handler))
  const watch = await startWatch(terminal, flags, name)
  try {
    const result = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) =>
      measure(scenario, {
        ...optionsOf(flags),
        signal,
        onProgress: (progress) => {
          watch?.update(progress)
          return report(progress.fraction, describeProgress(progress))
        },
      }),
    )
    await watch?.finish(result)
    return result
  } finally {
    await watch?.close()
  }
}

/** Starts to show the run in progress, if flags ask for it. */
async function startWatch(terminal: Terminal, flags: WatchFlags, name: string): Promise<RunWatch | null> {
  const { live, pushgateway, otlp, progressFd } = flags
  const given = { live, pushgateway, otlp, progressFd }
  if (Object.values(given).every((flag) => flag === undefined)) return null
  const watch = await import('./machines/run-watch.js')
  return watch.RunWatch.start(terminal, given, name)
}

function optionsOf({ idle, spin, batchTimeout, setupTimeout, shard, agents, redis }: MeasureFlags): MeasureOptions {
  return {
    ...(agents !== undefined && { agents: parseAgentFlags(agents, redis) }),
    shard: parseShard(shard),
    idle,
    spin: parseValue(spin),
    batchTimeout: parseValue(batchTimeout),
    setupTimeout: parseValue(setupTimeout),
  }
}

function parseAgentFlags(agents: string, redis: string | undefined): AgentsOption {
  if (redis === undefined) {
    throw new ValidationError('--redis', 'is required with --agents: the URL of a Redis, such as redis://host:6379')
  }
  return { redis, count: parseValue(agents) as number }
}

/** Parses `2/5`; the schema checks the numbers. */
function parseShard(text: string | undefined): MeasureOptions['shard'] {
  if (text === undefined) return undefined
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text.trim()) ?? []
  if (index === undefined || count === undefined) {
    throw new ValidationError('--shard', `must be a shard's index and the number of shards, such as 2/5, got '${text}'`)
  }
  return { index: Number(index), count: Number(count) }
}

const READ_EVERY_MS = 1000

/** Describes the progress of a run, with its percentiles if `withLatency`. */
function progressDescriber(withLatency: boolean): (progress: MeasureProgress) => string {
  let latency = ''
  let nextMs = READ_EVERY_MS
  return ({ timeMs, sent, completed, latencySoFar }) => {
    if (withLatency && timeMs >= nextMs) {
      nextMs = timeMs + READ_EVERY_MS
      const { p50Ms, p99Ms } = latencySoFar() ?? {}
      latency = p50Ms === undefined || p99Ms === undefined ? '' : `, p50 ${time(p50Ms)}, p99 ${time(p99Ms)}`
    }
    const perSecond = timeMs === 0 ? 0 : (1000 * completed) / timeMs
    return `${count(completed)} of ${count(sent)}, ${rate(perSecond)}${latency}`
  }
}

import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { makeLegible } from '../text/legible.js'
import { messageOf, ValidationError } from '../validation/validation-error.js'
import { applyConfig, locateInConfig } from './config.js'
import { nameOptions } from './options/scenario-options.js'
import { Interrupted } from './output.js'
import { withoutUnit } from './parse-flags.js'
import { BAD_USAGE, type Terminal } from './terminal.js'

const { version, description } = createRequire(import.meta.url)('../../package.json')

const EXIT_CODES = `
Exit codes: 0 passed, 1 budget broken or head slower, 2 bad usage or failed run, 3 inconclusive, 130 and 143
interrupted. Ctrl-C or SIGTERM ends a run early and reports what it has; a second signal ends it at once.
`

/** Loads each command when it is needed: to load all of them takes longer than to run most. */
const COMMANDS: Record<string, () => Promise<(terminal: Terminal) => Command>> = {
  simulate: async () => (await import('./simulate.js')).simulateCommand,
  measure: async () => (await import('./measure.js')).measureCommand,
  sweep: async () => (await import('./sweep.js')).sweepCommand,
  replicate: async () => (await import('./replicate.js')).replicateCommand,
  capacity: async () => (await import('./capacity.js')).capacityCommand,
  tune: async () => (await import('./tune.js')).tuneCommand,
  calibrate: async () => (await import('./calibrate.js')).calibrateCommand,
  agent: async () => (await import('./machines/agent.js')).agentCommand,
  agents: async () => (await import('./machines/agents.js')).agentsCommand,
  merge: async () => (await import('./machines/merge.js')).mergeCommand,
  check: async () => (await import('./check.js')).checkCommand,
  compare: async () => (await import('./compare.js')).compareCommand,
  history: async () => (await import('./gate/history.js')).historyCommand,
  report: async () => (await import('./report.js')).reportCommand,
}

const loadCommands = (names: readonly string[], terminal: Terminal): Promise<Command[]> =>
  Promise.all(names.map(async (name) => (await (COMMANDS[name] as (typeof COMMANDS)[string])())(terminal)))

/** The names of the commands that a command line may run or list. */
function commandsFor([first = '', ...others]: readonly string[]): string[] {
  if (Object.hasOwn(COMMANDS, first)) return [first]
  return /^(-V|--version)$/.test(first) && others.length === 0 ? [] : Object.keys(COMMANDS)
}

/** Lists a command and all commands below it. */
const withSubcommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubcommands)]

/** Refuses an option that is given twice, since only the last would count; a repeatable one collects a list. */
function refuseRepeated(command: Command): void {
  const given = new Set<string>()
  for (const option of command.options) {
    command.on(`option:${option.name()}`, () => {
      const value = command.getOptionValue(option.attributeName())
      if (given.has(option.name()) && typeof value !== 'boolean' && !Array.isArray(value)) {
        throw new ValidationError(
          `${option.long ?? option.short}`,
          `is given twice, the last time as '${value}'; give it once`,
        )
      }
      given.add(option.name())
    })
  }
}

/** Lengths of runs, which other tools count in seconds and scenarios in milliseconds. */
const LENGTHS = ['duration', 'at-most', 'for']

/** Refuses the length of a run without a unit: `--duration 10` would end after 10 ms. */
function requireUnits(command: Command): void {
  for (const name of LENGTHS) {
    command.on(`option:${name}`, (value: string) => {
      if (Number(value) > 0) throw new ValidationError(`--${name}`, withoutUnit(value))
    })
  }
}

/** What the options of other tools, and those that a command lacks, are called here. */
const FOREIGN_OPTIONS: Record<string, string[]> = {
  '--arrivals': ['--rate', '--rps', '--qps', '-r'],
  '--clients': ['--vus', '--users', '--concurrency', '-c'],
  '--duration': ['-d'],
  '--max-batch-size': ['--batch-size', '--batch'],
  '--max-wait': ['--wait'],
  '--method': ['-X'],
  '--header': ['-H'],
  '--body': ['--data'],
  '--timeout': ['-m'],
  '--insecure': ['-k'],
  '--budget p99=100ms': ['--p50', '--p90', '--p95', '--p99', '--threshold', '--thresholds'],
}

/** What to run instead of commands that do not exist. */
const RUN_INSTEAD: Record<string, string> = {
  run: 'simulate or measure',
  bench: 'measure',
  benchmark: 'measure',
  load: 'measure',
  replay: 'measure --trace',
  headroom: 'capacity --budget',
  budget: 'check',
  diff: 'compare',
  gate: 'compare --base-ref',
}

/** Rewrites the suggestion in commander's error about an unknown option or command, if a better one is known. */
function suggest(error: string, command: Command, commands: readonly Command[]): string {
  const [, kind, name] = /unknown (option|command) '([^'=]+)/.exec(error) ?? []
  if (kind === undefined || name === undefined) return error
  const suggestion = kind === 'option' ? suggestOption(name, command, commands) : suggestCommand(name)
  return suggestion === null ? error : `${error.split('\n')[0]}\n(${suggestion})\n`
}

const suggestCommand = (name: string) => (Object.hasOwn(RUN_INSTEAD, name) ? `Use ${RUN_INSTEAD[name]}` : null)

function suggestOption(name: string, command: Command, commands: readonly Command[]): string | null {
  const has = ({ options }: Command, flag: string) => options.some(({ long, hidden }) => long === flag && !hidden)
  const meant = Object.keys(FOREIGN_OPTIONS).find((flag) => FOREIGN_OPTIONS[flag]?.includes(name))
  if (meant !== undefined && has(command, meant.split(' ')[0] as string)) return `Use ${meant}`
  const longer = name.length > 4 ? command.options.find(({ long }) => long?.startsWith(`${name}-`)) : undefined
  if (longer !== undefined) return `Did you mean ${longer.long}?`
  const others = commands.filter((each) => has(each, name)).map((each) => each.name())
  return others.length === 0 ? null : `It is an option of: ${others.join(', ')}`
}

/** What commander says of a command line that it rejects. */
interface Rejected {
  text: string
  command: Command
}

/** Adds a suggestion to an error of commander, which may come from any command. */
async function explainRejected({ text, command }: Rejected, name: string, terminal: Terminal): Promise<string> {
  const commands = text.includes('unknown option') ? await loadCommands(Object.keys(COMMANDS), terminal) : []
  return makeLegible(suggest(text, command, commands).replace(/^error: /, `${name}: `))
}

/** Runs a command line and returns the exit code. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  let run: Command | null = null
  let rejected: Rejected | null = null
  const program = new Command('throughline')
    .description(description)
    .version(version)
    .addHelpText('after', EXIT_CODES)
    .hook('preAction', async (_, command) => {
      run = command
      terminal.reserveStdout()
      const report = (what: string) => terminal.stderr.write(`${program.name()}: ${makeLegible(what)}\n`)
      await applyConfig(command, Object.keys(COMMANDS), report)
    })
  for (const command of await loadCommands(commandsFor(args), terminal)) program.addCommand(command)
  for (const command of withSubcommands(program)) {
    refuseRepeated(command)
    requireUnits(command)
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      getOutHelpWidth: () => terminal.stdout.columns ?? 80,
      getErrHelpWidth: () => terminal.stderr.columns ?? 80,
      outputError: (text) => {
        rejected = { text, command }
      },
    })
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return terminal.exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      if (rejected !== null) terminal.stderr.write(await explainRejected(rejected, program.name(), terminal))
      return error.exitCode === 0 ? 0 : BAD_USAGE
    }
    const debug = args.includes('--debug')
    const message = messageOf(error)
    const named = error instanceof ValidationError && run !== null ? nameOptions(message, run) : message
    const text = debug ? inspect(error) : named
    const place = error instanceof ValidationError ? locateInConfig(run, error.path) : null
    terminal.stderr.write(`${program.name()}: ${makeLegible(text)}${place === null ? '' : ` (${place})`}\n`)
    return error instanceof Interrupted ? terminal.exitCode : BAD_USAGE
  }
}

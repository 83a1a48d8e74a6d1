import { Command, Option } from 'commander'
import { compareResults } from '../budget/comparison/compare-results.js'
import {
  COMPARED,
  type ComparedMetric,
  type Comparison,
  type ComparisonVerdict,
  DESIGNS,
  type Design,
  differingFields,
  LOAD,
} from '../budget/comparison/comparison.js'
import { describeMachine, type HistoryEntry } from '../budget/comparison/history-entry.js'
import { renderComparison } from '../budget/comparison/render-comparison.js'
import { type CompareOptions, compare } from '../explore/compare.js'
import { readIfResult, readResult } from '../files/stored.js'
import { BENCH_RUNNERS, type BenchRunner } from '../gate/bench/messages.js'
import { readHistory } from '../history/file.js'
import type { Result } from '../result/result.js'
import type { Scenario } from '../scenario/scenario.js'
import { hasTarget } from '../scenario/target.js'
import { ValidationError } from '../validation/validation-error.js'
import { type GateFlags, gateCommand } from './gate/gate.js'
import { addScenarioFlags, changeScenario, type ScenarioFlags } from './options/scenario-options.js'
import { addInconclusiveOption, addOutputOptions, print, printJson, withProgress } from './output.js'
import { parseValue } from './parse-flags.js'
import { loadScenarioOrHandler } from './scenario-file.js'
import { FAILED, INCONCLUSIVE, type Terminal } from './terminal.js'

const EXAMPLES = `
Two scenarios, or two handler modules, run in pairs of short rounds until the verdict is clear; scenario options apply to
both. Two stored results, as printed by --json, are compared without running anything, which finds only larger
differences: the machine may have been faster for one of them.
With --base-ref, the scenarios in the files (default: all *.throughline.ts) are compared with those of that commit. With
--runner too, the files are those of vitest bench or tinybench, and their tasks are compared; --duration limits a task.
The exit code is 0 if head is the same or faster, 1 if it is slower or fails more, 3 if the comparison is inconclusive.

Examples:
  $ throughline compare now.ts next.ts --arrivals 200/s
  $ throughline compare scenario.ts --null
  $ throughline compare --base-ref origin/main --prepare 'npm run build' --output gate.html --output gate.md
  $ throughline compare --base-ref origin/main --runner vitest parse.bench.ts
  $ throughline compare base.json head.json --of p99 --within 10%
  $ throughline compare base.json head.json --history runs/1.json runs/2.json runs/3.json runs/4.json runs/5.json`

const EXIT_CODES: Record<ComparisonVerdict, number> = { same: 0, faster: 0, slower: FAILED, inconclusive: INCONCLUSIVE }

interface CompareFlags extends ScenarioFlags, Partial<GateFlags> {
  design?: Design
  null?: boolean
  history?: string[]
  of?: ComparedMetric
  within?: string
  rounds?: string
  simulate?: boolean
  machineNoise?: string
  runner?: BenchRunner
}

/** Adds the options of a gate: a comparison with another commit. */
function addGateOptions(command: Command): void {
  command
    .option('--base-ref <ref>', 'compare the scenarios of the working tree with those of this commit, branch or tag')
    .addOption(
      new Option(
        '--runner <name>',
        '--base-ref only: compare the tasks of micro-benchmarks (default: all *.bench.ts) instead of scenarios',
      ).choices(BENCH_RUNNERS),
    )
    .option('--prepare <command>', '--base-ref only: shell command that prepares base, such as a build')
  addInconclusiveOption(command, '--base-ref only: ').addOption(
    new Option(
      '-o, --output <file>',
      '--base-ref only: write the report as .html, .md, .xml (JUnit) or .json; repeatable',
    ).argParser((file: string, before: string[] = []) => [...before, file]),
  )
}

/** Compares the working tree with another commit. */
function compareWithCommit(
  terminal: Terminal,
  files: readonly string[],
  flags: CompareFlags & GateFlags,
): Promise<void> {
  const { of, within, rounds, design, simulate, null: isNull, machineNoise, history, runner, ...rest } = flags
  if (isNull) {
    throw new ValidationError(
      '--null',
      'does not apply to commits; for the noise of this machine, give one file: throughline compare now.ts --null',
    )
  }
  rejectFlags('commits', { machineNoise, history })
  const { baseRef, prepare, onInconclusive, output, json, debug, config, ...scenarioFlags } = rest as typeof rest & {
    config?: string
  }
  if (runner !== undefined) {
    const { duration: _, ...others } = scenarioFlags
    rejectFlags('micro-benchmarks', { design, simulate, ...others })
  }
  const gateFlags: GateFlags = { baseRef, prepare, onInconclusive, output, json, debug }
  return gateCommand(terminal, { files, scenarioFlags, runner }, gateFlags, {
    of,
    within: parseValue(within),
    rounds: parseValue(rounds) as number | undefined,
    design,
    engine: simulate ? 'simulate' : undefined,
  })
}

export function compareCommand(terminal: Terminal): Command {
  const command = new Command('compare')
    .description('report whether head is slower than base: two scenarios or two stored results')
    .argument(
      '[files...]',
      'base and head: scenarios (JSON files or modules), handler modules, or JSON files of results',
    )
    .addOption(new Option('--of <metric>', 'metric that the verdict is about (default: mean)').choices(COMPARED))
    .option('--within <fraction>', 'largest difference that counts as the same (default: 5%)')
    .option('--rounds <n>', 'scenarios only: largest number of pairs (default: 40)')
    .addOption(new Option('--design <name>', 'scenarios only: run rounds in turn or at the same time').choices(DESIGNS))
    .option('--null', 'scenarios only: compare base with itself, to measure the noise of this machine')
    .option('--simulate', 'scenarios only: simulate them even if they have a target')
    .option('--machine-noise <fraction>', 'results only: difference that the machine alone may make (default: 60%)')
    .option(
      '--history <files...>',
      'results only: at least 5 earlier results, or a history (.jsonl), to estimate the noise of the machine',
    )
  addGateOptions(command)
  addScenarioFlags(command, { service: true, handler: false })
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (files: string[], flags: CompareFlags) => {
    if (flags.baseRef !== undefined) return compareWithCommit(terminal, files, { ...flags, baseRef: flags.baseRef })
    const [base, head, ...more] = files
    if (base === undefined) {
      throw new ValidationError(
        'base',
        'is missing: give two files, or a commit to compare with: --base-ref origin/main',
      )
    }
    if (more.length > 0) {
      throw new ValidationError('compare', `takes two files, got ${files.length}; use --base-ref to compare more`)
    }
    const { prepare, onInconclusive, output, runner, ...rest } = flags
    rejectFlags('two files', { prepare, onInconclusive, output, runner })
    const comparison = await runComparison(terminal, base, head, rest)
    if (flags.json) printJson(terminal, comparison)
    else print(terminal, comparison, renderComparison)
    // keeps the exit code of an interrupted command
    if (terminal.exitCode === 0) terminal.exitCode = EXIT_CODES[comparison.verdict]
  })
}

async function runComparison(
  terminal: Terminal,
  baseFile: string,
  headFile: string | undefined,
  flags: CompareFlags,
): Promise<Comparison> {
  const { of: _of, within: _within, machineNoise, rounds, simulate, design, null: isNull, history, ...rest } = flags
  const { of } = flags
  const { json: _json, debug: _debug, config: _config, ...scenarioFlags } = rest as typeof rest & { config?: string }
  const within = parseValue(flags.within)
  if (headFile === undefined && !isNull) {
    throw new ValidationError('head', 'is missing: give a second file, or use --null to compare base with itself')
  }
  if (headFile !== undefined && isNull) {
    throw new ValidationError('--null', 'compares base with itself; leave out the second file')
  }
  const files = [baseFile, headFile ?? baseFile]
  const [base, head] = (await Promise.all(files.map(readIfResult))) as [Result | null, Result | null]
  if (base !== null && head !== null) {
    rejectFlags('two results', { rounds, simulate, design, null: isNull, ...scenarioFlags })
    const earlier = history && (await readEarlier(history, base))
    return compareResults(base, head, { of, within, machineNoise: parseValue(machineNoise), history: earlier })
  }
  if (base !== null || head !== null) {
    throw new ValidationError(
      files[base === null ? 0 : 1] as string,
      'must hold a result, because the other file does; give two results or two scenarios',
    )
  }
  rejectFlags('two scenarios', { machineNoise, history })
  const given = await Promise.all(files.map(loadScenarioOrHandler))
  for (const [i, each] of given.entries()) {
    // a handler module has no arrivals
    if ('arrivals' in each || flags.arrivals !== undefined || flags.clients !== undefined) continue
    throw new ValidationError(
      files[i] as string,
      `is a handler module without arrivals; add an option such as --arrivals 200/s`,
    )
  }
  const scenarios = (await Promise.all(given.map((each) => changeScenario(each, scenarioFlags)))) as [
    Scenario,
    Scenario,
  ]
  const engine = scenarios.some(hasTarget) && simulate !== true ? 'measure' : 'simulate'
  const options: CompareOptions = {
    of,
    within,
    rounds: parseValue(rounds) as number | undefined,
    engine,
    design,
    null: isNull,
  }
  return withProgress(terminal, { endsEarly: true }, ({ report, signal }) =>
    compare(
      { base: scenarios[0], head: scenarios[1] },
      {
        ...options,
        signal,
        onProgress: ({ fraction, side, done, total }) => report(fraction, `${side} of pair ${done + 1} of ${total}`),
      },
    ),
  )
}

/** Reads earlier results from their files, or those with the load and machine of base from a stored history. */
async function readEarlier(files: readonly string[], base: Result): Promise<(Result | HistoryEntry)[]> {
  const read = await Promise.all(
    files.map(async (file) => {
      if (!file.endsWith('.jsonl')) return [await readResult(file)]
      const entries = await readHistory(file)
      const alike = entries.filter(
        (entry) =>
          entry.valid &&
          describeMachine(entry) === describeMachine(base) &&
          differingFields(entry, base, LOAD).length === 0,
      )
      if (alike.length >= 5) return alike
      throw new ValidationError(
        file,
        `must hold at least 5 valid runs with the load and machine of base (${describeMachine(base)}), got ${alike.length} of ${entries.length}`,
      )
    }),
  )
  return read.flat()
}

/** Rejects options that do not apply, rather than ignore them. */
function rejectFlags(what: string, flags: Record<string, unknown>): void {
  for (const [name, given] of Object.entries(flags)) {
    if (given === undefined) continue
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    throw new ValidationError(flag, `does not apply to ${what}; omit it`)
  }
}

import { Command, Option } from 'commander'
import { compareResults } from '../budget/compare-results.js'
import {
  COMPARED,
  type ComparedMetric,
  type Comparison,
  type ComparisonVerdict,
  DESIGNS,
  type Design,
  differing,
  LOAD,
} from '../budget/comparison.js'
import { type HistoryEntry, machineOf } from '../budget/history-entry.js'
import { renderComparison } from '../budget/render-comparison.js'
import { type CompareOptions, compare } from '../explore/compare.js'
import { readIfResult, readResult } from '../files/stored.js'
import { readHistory } from '../history/file.js'
import type { Result } from '../result/result.js'
import type { Scenario } from '../scenario/scenario.js'
import { TARGETS } from '../scenario/target.js'
import { ValidationError } from '../validation/validation-error.js'
import { type GateFlags, gateCommand } from './gate.js'
import { addOutputOptions, print, printJson, withProgress } from './output.js'
import { scenarioOrHandler } from './scenario-file.js'
import { addScenarioFlags, type ScenarioFlags, value, withFlags } from './scenario-options.js'
import { FAILED, INCONCLUSIVE, type Terminal } from './terminal.js'

const EXAMPLES = `
Two scenarios, or two modules that serve batches, are run in pairs of short rounds until the verdict is clear; the flags
of a scenario change both. Two results, as --json prints them, are compared as they are, which finds less: the machine
may have been faster for one of them.
With --base-ref, the files (default: all *.throughline.ts) are compared with those of that commit, in one run.
The exit code is 0 where head is the same or faster, 1 where it is slower or fails more, 3 if it is inconclusive.

Examples:
  $ throughline compare now.ts next.ts --arrivals 200/s
  $ throughline compare scenario.ts --null
  $ throughline compare --base-ref origin/main --prepare 'npm run build' --output gate.html --output gate.md
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
}

/** Adds the options of a gate: a comparison with another commit. */
function addGateOptions(command: Command): void {
  command
    .option('--base-ref <ref>', 'compare the scenarios of the working tree with those of this commit, branch or tag')
    .option('--prepare <command>', 'of --base-ref: a shell command that makes base ready to run, such as a build')
    .option('--null-pairs <n>', 'of --base-ref: pairs of base with itself, to see what can be found (default: 8)')
    .addOption(
      new Option(
        '--on-inconclusive <what>',
        'of --base-ref: how to treat an inconclusive result (default: fail)',
      ).choices(['fail', 'pass']),
    )
    .addOption(
      new Option(
        '-o, --output <file>',
        'of --base-ref: write the report too: .html, .md, .xml (JUnit) or .json; may be given several times',
      ).argParser((file: string, before: string[] = []) => [...before, file]),
    )
}

/** Compares with another commit. */
function gate(terminal: Terminal, files: readonly string[], flags: CompareFlags & GateFlags): Promise<void> {
  const { of, within, rounds, design, simulate, null: isNull, machineNoise, history, ...rest } = flags
  refuse('commits', { null: isNull, machineNoise, history })
  const scenarioFlags: ScenarioFlags = rest
  return gateCommand(terminal, files, flags, scenarioFlags, {
    of,
    within: value(within),
    rounds: value(rounds) as number | undefined,
    design,
    engine: simulate ? 'simulate' : undefined,
  })
}

export function compareCommand(terminal: Terminal): Command {
  const command = new Command('compare')
    .description('tell whether head is slower than base: two scenarios, run in turn, or two stored results')
    .argument(
      '[files...]',
      'base and head: two scenarios (JSON files or modules), modules that serve batches, or JSON files of results',
    )
    .addOption(new Option('--of <metric>', 'which metric the verdict is of (default: mean)').choices(COMPARED))
    .option('--within <fraction>', 'how far apart two may be and count as the same (default: 5%)')
    .option('--rounds <n>', 'of scenarios: how many pairs of rounds at most (default: 40)')
    .addOption(new Option('--design <name>', 'of scenarios: rounds in turn or at the same moment').choices(DESIGNS))
    .option('--null', 'of scenarios: compare base with itself, to see how small a difference this machine can show')
    .option('--simulate', 'of scenarios: simulate them, where they have a target too')
    .option('--machine-noise <fraction>', 'of results: how far apart the machine alone may put two (default: 60%)')
    .option(
      '--history <files...>',
      'of results: earlier ones, at least 5, or a stored history (.jsonl): how far the machine puts them apart',
    )
  addGateOptions(command)
  addScenarioFlags(command, { service: true, handler: false })
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (files: string[], flags: CompareFlags) => {
    if (flags.baseRef !== undefined) return gate(terminal, files, { ...flags, baseRef: flags.baseRef })
    const [base, head, ...more] = files
    if (base === undefined) {
      throw new ValidationError(
        'base',
        'is missing: name two files, or a commit to compare with: --base-ref origin/main',
      )
    }
    if (more.length > 0) {
      throw new ValidationError('compare', `takes two files, got ${files.length}; more are compared with --base-ref`)
    }
    const { prepare, nullPairs, onInconclusive, output, ...rest } = flags
    refuse('two files', { prepare, nullPairs, onInconclusive, output })
    const comparison = await compared(terminal, base, head, rest)
    if (flags.json) printJson(terminal, comparison)
    else print(terminal, comparison, renderComparison)
    // one that was interrupted ends as such
    if (terminal.exitCode === 0) terminal.exitCode = EXIT_CODES[comparison.verdict]
  })
}

async function compared(
  terminal: Terminal,
  baseFile: string,
  headFile: string | undefined,
  flags: CompareFlags,
): Promise<Comparison> {
  const { of: _of, within: _within, machineNoise, rounds, simulate, design, null: isNull, history, ...rest } = flags
  const { of } = flags
  const { json: _json, debug: _debug, config: _config, ...scenarioFlags } = rest as typeof rest & { config?: string }
  const within = value(flags.within)
  if (headFile === undefined && !isNull) {
    throw new ValidationError('head', 'is missing: name a second file, or compare base with itself with --null')
  }
  if (headFile !== undefined && isNull) {
    throw new ValidationError('--null', 'compares base with itself; leave out the second file')
  }
  const files = [baseFile, headFile ?? baseFile]
  const [base, head] = (await Promise.all(files.map(readIfResult))) as [Result | null, Result | null]
  if (base !== null && head !== null) {
    refuse('two results', { rounds, simulate, design, null: isNull, ...scenarioFlags })
    const earlier = history && (await readEarlier(history, base))
    return compareResults(base, head, { of, within, machineNoise: value(machineNoise), history: earlier })
  }
  if (base !== null || head !== null) {
    throw new ValidationError(
      files[base === null ? 0 : 1] as string,
      'must hold a result, as the other file does, or both scenarios',
    )
  }
  refuse('two scenarios', { machineNoise, history })
  const given = await Promise.all(files.map(scenarioOrHandler))
  for (const [i, each] of given.entries()) {
    // a module that serves batches does not say which load it is for
    if ('arrivals' in each || flags.arrivals !== undefined || flags.clients !== undefined) continue
    throw new ValidationError(files[i] as string, `serves batches; say how requests come: --arrivals 200/s`)
  }
  const scenarios = given.map((each) => withFlags(each, scenarioFlags)) as [Scenario, Scenario]
  const hasTarget = scenarios.some((scenario) => TARGETS.some((target) => scenario[target] !== undefined))
  const engine = hasTarget && simulate !== true ? 'measure' : 'simulate'
  const options: CompareOptions = {
    of,
    within,
    rounds: value(rounds) as number | undefined,
    engine,
    design,
    null: isNull,
  }
  return withProgress(terminal, { endsEarly: true }, ({ tell, signal }) =>
    compare(
      { base: scenarios[0], head: scenarios[1] },
      {
        ...options,
        signal,
        onProgress: ({ fraction, side, done, total }) => tell(fraction, `${side} of pair ${done + 1} of ${total}`),
      },
    ),
  )
}

/** Earlier results: files of them, or those of a stored history that are of the same load and machine as base. */
async function readEarlier(files: readonly string[], base: Result): Promise<(Result | HistoryEntry)[]> {
  const read = await Promise.all(
    files.map(async (file) => {
      if (!file.endsWith('.jsonl')) return [await readResult(file)]
      const entries = await readHistory(file)
      const like = entries.filter(
        (entry) => entry.valid && machineOf(entry) === machineOf(base) && differing(entry, base, LOAD).length === 0,
      )
      if (like.length >= 5) return like
      throw new ValidationError(
        file,
        `must hold 5 valid runs or more of base's load on its machine (${machineOf(base)}), and has ${like.length} among ${entries.length}`,
      )
    }),
  )
  return read.flat()
}

/** A flag that means nothing here is not passed over in silence. */
function refuse(what: string, flags: Record<string, unknown>): void {
  for (const [name, given] of Object.entries(flags)) {
    if (given === undefined) continue
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    throw new ValidationError(flag, `means nothing where ${what} are compared; leave it out`)
  }
}

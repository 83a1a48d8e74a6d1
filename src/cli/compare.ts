import { Command, Option } from 'commander'
import { compareResults } from '../budget/compare-results.js'
import { COMPARED, type ComparedMetric, type Comparison, type ComparisonVerdict } from '../budget/comparison.js'
import { renderComparison } from '../budget/render-comparison.js'
import { type CompareOptions, compare } from '../explore/compare.js'
import { readIfResult } from '../report/file.js'
import type { Result } from '../result/result.js'
import { ScenarioError } from '../scenario/error.js'
import type { Scenario } from '../scenario/scenario.js'
import { TARGETS } from '../scenario/target.js'
import { addOutputOptions, type OutputFlags, print, printJson, withProgress } from './output.js'
import { scenarioFrom } from './scenario-file.js'
import { value } from './scenario-options.js'
import { FAILED, INCONCLUSIVE, type Terminal } from './terminal.js'

const EXAMPLES = `
Two scenarios are run, in pairs of short rounds; two results, as --json prints them, are compared as they are, which
finds less: the machine may have been faster for one of them.
The exit code is 0 where head is the same or faster, 1 where it is slower or fails more, 3 where there is no telling.

Examples:
  $ throughline compare now.ts next.ts
  $ throughline compare base.json head.json --of p99 --within 10%`

const EXIT_CODES: Record<ComparisonVerdict, number> = { same: 0, faster: 0, slower: FAILED, inconclusive: INCONCLUSIVE }

interface CompareFlags extends OutputFlags {
  of?: ComparedMetric
  within?: string
  rounds?: string
  simulate?: boolean
  machineNoise?: string
}

export function compareCommand(terminal: Terminal): Command {
  const command = new Command('compare')
    .description('tell whether head is slower than base: two scenarios, run in turn, or two stored results')
    .argument('<base>', 'a scenario (a JSON file, or a module with a default export), or the JSON file of a result')
    .argument('<head>', 'another of the same')
    .addOption(new Option('--of <metric>', 'which metric the verdict is of (default: mean)').choices(COMPARED))
    .option('--within <share>', 'how far apart two may be and count as the same (default: 5%)')
    .option('--rounds <n>', 'of scenarios: how many pairs of rounds (default: 40)')
    .option('--simulate', 'of scenarios: simulate them, where they have a target too')
    .option('--machine-noise <share>', 'of results: how far apart the machine alone may put two (default: 20%)')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (base: string, head: string, flags: CompareFlags) => {
    const comparison = await compared(terminal, [base, head], flags)
    if (flags.json) printJson(terminal, comparison)
    else print(terminal, comparison, renderComparison)
    // one that was interrupted ends as such
    if (terminal.exitCode === 0) terminal.exitCode = EXIT_CODES[comparison.verdict]
  })
}

async function compared(terminal: Terminal, files: [string, string], flags: CompareFlags): Promise<Comparison> {
  const { of, machineNoise, rounds, simulate } = flags
  const within = value(flags.within)
  const [base, head] = (await Promise.all(files.map(readIfResult))) as [Result | null, Result | null]
  if (base !== null && head !== null) {
    refuse('two results', { rounds, simulate })
    return compareResults(base, head, { of, within, machineNoise: value(machineNoise) })
  }
  if (base !== null || head !== null) {
    throw new ScenarioError(
      files[base === null ? 0 : 1],
      'must hold a result, as the other file does, or both scenarios',
    )
  }
  refuse('two scenarios', { machineNoise })
  const scenarios = (await Promise.all(files.map(scenarioFrom))) as [Scenario, Scenario]
  const hasTarget = scenarios.some((scenario) => TARGETS.some((target) => scenario[target] !== undefined))
  const engine = hasTarget && simulate !== true ? 'measure' : 'simulate'
  const options: CompareOptions = { of, within, rounds: value(rounds) as number | undefined, engine }
  return withProgress(terminal, { endsEarly: true }, ({ tell, signal }) =>
    compare(
      { base: scenarios[0], head: scenarios[1] },
      {
        ...options,
        signal,
        onProgress: ({ share, side, done, total }) => tell(share, `${side} of pair ${done + 1} of ${total}`),
      },
    ),
  )
}

/** A flag that means nothing here is not passed over in silence. */
function refuse(what: string, flags: Record<string, unknown>): void {
  for (const [name, given] of Object.entries(flags)) {
    if (given === undefined) continue
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    throw new ScenarioError(flag, `means nothing where ${what} are compared; leave it out`)
  }
}

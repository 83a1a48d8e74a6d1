import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeText } from '../files/stored.js'
import { BaseWorktree, removeBaseWorktrees } from '../gate/base-worktree.js'
import { endCommands } from '../gate/commands.js'
import { type GateCompareOptions, type GateScenario, gateScenarios } from '../gate/gate.js'
import { GATE_SCHEMA, type GateReport, gateVerdict } from '../gate/gate-report.js'
import { type BaseCommit, findBase, openRepository, type Repository } from '../gate/git.js'
import { prepareBase } from '../gate/prepare.js'
import { environment } from '../machine/environment.js'
import { renderGateJunit } from '../report/export/gate-junit.js'
import { renderGateMarkdown } from '../report/export/gate-markdown.js'
import { renderGateHtml } from '../report/html/gate.js'
import { renderGate } from '../report/terminal/gate-table.js'
import { legible } from '../text/legible.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { formatOf } from './format.js'
import { gateEntries } from './gate-scenarios.js'
import { Interrupted, type OutputFlags, print, printJson, withProgress } from './output.js'
import { applyFlags, parseValue, type ScenarioFlags } from './scenario-options.js'
import { BAD_USAGE, FAILED, INCONCLUSIVE, SIGNALS, type Terminal } from './terminal.js'

/** The flags of a gate that are not of its scenarios. */
export interface GateFlags extends OutputFlags {
  baseRef: string
  prepare?: string | undefined
  nullPairs?: string | undefined
  onInconclusive?: 'fail' | 'pass' | undefined
  /** a config has one */
  output?: string[] | string | undefined
}

const FORMATS = ['md', 'xml', 'html', 'json'] as const
/** As few as give an interval. */
const NULL_PAIRS = 8

/** Compares the scenarios of the working tree with those of another commit, and ends with the verdict on all. */
export async function gateCommand(
  terminal: Terminal,
  files: readonly string[],
  flags: GateFlags,
  scenarioFlags: ScenarioFlags,
  compare: GateCompareOptions,
): Promise<void> {
  const { onInconclusive = 'fail', json } = flags
  const output = [flags.output ?? []].flat()
  const formats = output.map((file) => formatOf(file, FORMATS))
  const nullPairs = nullPairsOf(flags.nullPairs)
  const gate = await leavingNothing(terminal, () =>
    withProgress(terminal, { endsEarly: true }, async ({ report, signal }) => {
      const repository = await openRepository(process.cwd())
      const base = await findBase(repository, flags.baseRef)
      throwIfAborted(signal)
      const worktree = await BaseWorktree.add(repository, base, signal)
      const say = (what: string) => terminal.stderr.write(`throughline: ${legible(what)}\n`)
      const { dependencies, doubt } = await prepareBase(worktree.root, repository, {
        command: flags.prepare,
        signal,
        say,
      })
      const sides = { repository, base: worktree.root, ref: base.ref }
      const entries = await gateEntries(files, sides, (scenario, file) => changed(scenario, file, scenarioFlags))
      throwIfAborted(signal)
      let interrupted = false
      const scenarios = await gateScenarios(entries, {
        compare,
        nullPairs,
        signal,
        onProgress: ({ fraction, name, doing }) => {
          interrupted ||= !report(fraction, `${name}: ${doing}`)
          return !interrupted
        },
      })
      if (interrupted && scenarios.every(({ comparison }) => comparison === null)) throw new Interrupted()
      return {
        schema: GATE_SCHEMA,
        verdict: gateVerdict(scenarios),
        base: { ref: base.ref, commit: base.commit, dependencies },
        head: { commit: repository.commit, branch: repository.branch, changes: repository.changes },
        scenarios,
        notes: [...notesOn(repository, base, worktree.root), ...(doubt === null ? [] : [doubt])],
        environment: environment(),
      } satisfies GateReport
    }),
  )
  for (const [i, file] of output.entries()) {
    await writeText(file, written(gate, formats[i] as (typeof FORMATS)[number], onInconclusive))
  }
  if (json) printJson(terminal, gate)
  else print(terminal, gate, renderGate)
  // one that was interrupted ends as such
  if (terminal.exitCode === 0) terminal.exitCode = exitCodeOf(gate, onInconclusive)
}

function nullPairsOf(given: string | undefined): number {
  const pairs = given === undefined ? NULL_PAIRS : parseValue(given)
  if (typeof pairs === 'number' && Number.isInteger(pairs) && (pairs === 0 || (pairs >= 8 && pairs <= 1000)))
    return pairs
  throw new ValidationError('--null-pairs', `must be 0, or a whole number from 8 to 1,000, got ${given}`)
}

function changed(scenario: GateScenario, file: string, flags: ScenarioFlags): GateScenario {
  const { budget, compare } = scenario
  const with_ = { ...applyFlags(scenario, flags), ...(budget && { budget }), ...(compare && { compare }) }
  if (with_.arrivals !== undefined) return with_
  throw new ValidationError(file, 'serves batches; say how requests come: --arrivals 200/s')
}

/**
 * Does something that leaves nothing behind. A first Ctrl-C ends it in good order; a second one ends the process at once,
 * after what is to be removed.
 */
async function leavingNothing<T>(terminal: Terminal, work: () => Promise<T>): Promise<T> {
  const cleanUp = () => {
    endCommands()
    removeBaseWorktrees()
  }
  let heard = 0
  const stopHearing = terminal.onInterrupt((exitCode) => {
    heard++
    if (heard === 1) return
    cleanUp()
    stopHearing()
    const by = SIGNALS.find((each) => each.exitCode === exitCode)
    if (by !== undefined) process.kill(process.pid, by.signal)
  })
  try {
    return await work()
  } finally {
    cleanUp()
    stopHearing()
  }
}

/** What else bears on what a gate says. */
function notesOn({ root, commit, changes }: Repository, base: BaseCommit, worktree: string): string[] {
  const notes: string[] = []
  if (changes > 0) {
    const files = changes === 1 ? '1 file that is' : `${changes} files that are`
    notes.push(`head is the working tree, with ${files} not committed`)
  } else if (commit === base.commit) notes.push('head and base are the same commit')
  if (base.ahead !== null && base.ahead > 0) {
    const commits = base.ahead === 1 ? '1 commit' : `${base.ahead} commits`
    notes.push(
      `head lacks ${commits} of ${base.ref}, and what they changed shows as a change of head: rebase, or compare with "$(git merge-base HEAD ${base.ref})"`,
    )
  }
  if (existsSync(join(worktree, '.gitmodules')) && existsSync(join(root, '.gitmodules'))) {
    notes.push("base has submodules, which only --prepare 'git submodule update --init' checks out")
  }
  return notes
}

function written(report: GateReport, format: (typeof FORMATS)[number], onInconclusive: 'fail' | 'pass'): string {
  switch (format) {
    case 'md':
      return renderGateMarkdown(report)
    case 'xml':
      return renderGateJunit(report, { onInconclusive })
    case 'html':
      return renderGateHtml(report)
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`
  }
}

function exitCodeOf({ verdict }: GateReport, onInconclusive: 'fail' | 'pass'): number {
  if (verdict === 'inconclusive') return onInconclusive === 'pass' ? 0 : INCONCLUSIVE
  return { pass: 0, fail: FAILED, failed: BAD_USAGE }[verdict]
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { jsonText, writeText } from '../../files/stored.js'
import { BaseWorktree, removeBaseWorktrees } from '../../gate/base-worktree.js'
import type { BenchRunner } from '../../gate/bench/messages.js'
import { killCommands } from '../../gate/commands.js'
import {
  compareScenarios,
  type GateCompareOptions,
  type GateOptions,
  type GateProgress,
  type GateScenario,
} from '../../gate/gate.js'
import { GATE_SCHEMA, type GateOutcome, type GateReport, gateVerdict } from '../../gate/gate-report.js'
import { type BaseCommit, findBase, openRepository, type Repository } from '../../gate/git.js'
import { prepareBase } from '../../gate/prepare.js'
import { environment } from '../../machine/environment.js'
import { renderGateJunit } from '../../report/export/gate-junit.js'
import { renderGateMarkdown } from '../../report/export/gate-markdown.js'
import { renderGateHtml } from '../../report/html/gate.js'
import { renderGate } from '../../report/terminal/gate-table.js'
import { makeLegible } from '../../text/legible.js'
import { plural } from '../../text/number.js'
import { throwIfAborted } from '../../validation/realm.js'
import { ValidationError } from '../../validation/validation-error.js'
import { changeScenario, type ScenarioFlags } from '../options/scenario-options.js'
import { formatOf, Interrupted, type OutputFlags, print, printJson, withProgress } from '../output.js'
import { BAD_USAGE, FAILED, INCONCLUSIVE, SIGNALS, type Terminal } from '../terminal.js'
import { compareBenchFiles } from './bench-files.js'
import { type GateSides, loadGateEntries } from './scenarios.js'

/** Options of a gate, without those of its scenarios. */
export interface GateFlags extends OutputFlags {
  baseRef: string
  prepare?: string | undefined
  onInconclusive?: 'fail' | 'pass' | undefined
  /** a single one in a config */
  output?: string[] | string | undefined
}

const FORMATS = ['md', 'xml', 'html', 'json'] as const

/** What to compare: scenarios, or the tasks of micro-benchmarks. */
export interface GateSubject {
  files: readonly string[]
  /** options of scenarios */
  scenarioFlags: ScenarioFlags
  /** runner of micro-benchmarks */
  runner: BenchRunner | undefined
}

/** Compares the scenarios of the working tree with those of another commit. The exit code is the verdict on all. */
export async function gateCommand(
  terminal: Terminal,
  subject: GateSubject,
  flags: GateFlags,
  compare: GateCompareOptions,
): Promise<void> {
  const { onInconclusive = 'fail', json } = flags
  const { runner } = subject
  const output = [flags.output ?? []].flat()
  const formats = output.map((file) => formatOf(file, FORMATS))
  const gate = await withCleanup(terminal, () =>
    withProgress(terminal, { endsEarly: true }, async ({ report, signal }) => {
      const repository = await openRepository(process.cwd())
      const base = await findBase(repository, flags.baseRef)
      throwIfAborted(signal)
      const worktree = await BaseWorktree.add(repository, base, signal)
      const { dependencies, warning } = await prepareBase(worktree.root, repository, {
        command: flags.prepare,
        signal,
        onCommand: (text) => void terminal.stderr.write(`throughline: ${makeLegible(text)}\n`),
      })
      const sides = { repository, base: worktree.root, ref: base.ref }
      let interrupted = false
      const options = {
        compare,
        signal,
        onProgress: ({ fraction, name, doing }: GateProgress) => {
          interrupted ||= !report(fraction, `${name}: ${doing}`)
          return !interrupted
        },
      }
      const { outcomes: scenarios, notes } = await runGate(subject, sides, options)
      if (interrupted && scenarios.every(({ comparison }) => comparison === null)) throw new Interrupted()
      return {
        schema: GATE_SCHEMA,
        verdict: gateVerdict(scenarios),
        base: { ref: base.ref, commit: base.commit, dependencies },
        head: { commit: repository.commit, branch: repository.branch, changes: repository.changes },
        ...(runner !== undefined && { runner }),
        scenarios,
        notes: [...notes, ...collectNotes(repository, base, worktree.root), ...(warning === null ? [] : [warning])],
        environment: environment(),
      } satisfies GateReport
    }),
  )
  for (const [i, file] of output.entries()) {
    await writeText(file, renderAs(gate, formats[i] as (typeof FORMATS)[number], onInconclusive))
  }
  if (json) printJson(terminal, gate)
  else print(terminal, gate, renderGate)
  // keeps the exit code of an interrupted command
  if (terminal.exitCode === 0) terminal.exitCode = exitCodeOf(gate, onInconclusive)
}

/** Runs the scenarios or the tasks of both sides. */
async function runGate(
  { files, scenarioFlags, runner }: GateSubject,
  sides: GateSides,
  options: GateOptions,
): Promise<{ outcomes: GateOutcome[]; notes: string[] }> {
  if (runner !== undefined) return compareBenchFiles(runner, files, sides, scenarioFlags.duration, options)
  const entries = await loadGateEntries(files, sides, (scenario, file) =>
    applyScenarioFlags(scenario, file, scenarioFlags),
  )
  throwIfAborted(options.signal)
  return { outcomes: await compareScenarios(entries, options), notes: [] }
}

async function applyScenarioFlags(scenario: GateScenario, file: string, flags: ScenarioFlags): Promise<GateScenario> {
  const { budget, compare } = scenario
  const applied = { ...(await changeScenario(scenario, flags)), ...(budget && { budget }), ...(compare && { compare }) }
  if (applied.arrivals !== undefined) return applied
  throw new ValidationError(file, 'is a handler module without arrivals; add an option such as --arrivals 200/s')
}

/**
 * Runs work that starts commands and makes worktrees, and cleans up after it. A second Ctrl-C cleans up and ends the process
 * at once.
 */
async function withCleanup<T>(terminal: Terminal, work: () => Promise<T>): Promise<T> {
  const cleanUp = () => {
    killCommands()
    removeBaseWorktrees()
  }
  let signals = 0
  const removeListener = terminal.onInterrupt((exitCode) => {
    signals++
    if (signals === 1) return
    cleanUp()
    removeListener()
    const by = SIGNALS.find((each) => each.exitCode === exitCode)
    if (by !== undefined) process.kill(process.pid, by.signal)
  })
  try {
    return await work()
  } finally {
    cleanUp()
    removeListener()
  }
}

/** Collects remarks on the two sides, such as on uncommitted changes. */
function collectNotes({ root, commit, changes }: Repository, base: BaseCommit, worktree: string): string[] {
  const notes: string[] = []
  if (changes > 0) {
    notes.push(`head is the working tree, with ${changes} uncommitted ${changes === 1 ? 'file' : 'files'}`)
  } else if (commit === base.commit) notes.push('head and base are the same commit')
  if (base.ahead !== null && base.ahead > 0) {
    const commits = plural(base.ahead, 'commit')
    notes.push(
      `head lacks ${commits} of ${base.ref}, whose changes count as changes of head; rebase, or use --base-ref "$(git merge-base HEAD ${base.ref})"`,
    )
  }
  if (existsSync(join(worktree, '.gitmodules')) && existsSync(join(root, '.gitmodules'))) {
    notes.push("the submodules of base are not checked out; use --prepare 'git submodule update --init'")
  }
  return notes
}

function renderAs(report: GateReport, format: (typeof FORMATS)[number], onInconclusive: 'fail' | 'pass'): string {
  switch (format) {
    case 'md':
      return renderGateMarkdown(report)
    case 'xml':
      return renderGateJunit(report, { onInconclusive })
    case 'html':
      return renderGateHtml(report)
    case 'json':
      return jsonText(report)
  }
}

function exitCodeOf({ verdict }: GateReport, onInconclusive: 'fail' | 'pass'): number {
  if (verdict === 'inconclusive') return onInconclusive === 'pass' ? 0 : INCONCLUSIVE
  return { pass: 0, fail: FAILED, failed: BAD_USAGE }[verdict]
}

import { basename } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { COMPARED, type ComparedMetric } from '../../budget/comparison/comparison.js'
import { buildHistoryEntry, type HistoryEntry } from '../../budget/comparison/history-entry.js'
import { jsonText, readJson, writeText } from '../../files/stored.js'
import { checkGate, GATE_SCHEMA } from '../../gate/gate-report.js'
import { openRepository } from '../../gate/git.js'
import { addToHistory, readHistory } from '../../history/file.js'
import { buildGateEntries } from '../../history/gate-entries.js'
import { buildHistorySeries } from '../../history/series.js'
import { renderHistoryHtml } from '../../report/html/history.js'
import { renderHistory } from '../../report/terminal/history-table.js'
import { checkResult } from '../../result/check.js'
import { plural } from '../../text/number.js'
import { ValidationError } from '../../validation/validation-error.js'
import { addOutputOptions, formatOf, type OutputFlags, print, printJson } from '../output.js'
import type { Terminal } from '../terminal.js'

const EXAMPLES = `
add stores the figures of results, or of head in the report of a gate (compare --base-ref … --output gate.json), as JSON
lines. show reports a metric over commits for each machine, and its change points (E-divisive means, p <= 1 %).

Examples:
  $ throughline history add result.json --name checkout
  $ throughline history show --of p99 --output history.html
  $ throughline compare base.json head.json --history .throughline/history.jsonl`

const FILE = '.throughline/history.jsonl'

interface HistoryFlags extends OutputFlags {
  file?: string
  name?: string
  commit?: string
  of?: ComparedMetric
  output?: string
}

export function historyCommand(terminal: Terminal): Command {
  const command = new Command('history')
    .description('store the figures of results, and show them over commits')
    .addArgument(new Argument('<action>', 'add results, or show the history').choices(['add', 'show']))
    .argument('[files...]', 'add only: JSON files of results or gates')
    .option('--file <file>', `file of the history, as JSON lines (default: ${FILE})`)
    .option('--name <name>', 'name of the scenario to add (default: name of the file), or the only one to show')
    .option('--commit <commit>', 'add only: commit of the results (default: the current one)')
    .addOption(new Option('--of <metric>', 'show only: metric (default: mean)').choices(COMPARED))
    .option('-o, --output <file>', 'show only: also write it as .html or .json')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (action: 'add' | 'show', files: string[], flags: HistoryFlags) => {
    if (action === 'add') await add(terminal, files, flags)
    else await show(terminal, files, flags)
  })
}

async function add(terminal: Terminal, files: readonly string[], flags: HistoryFlags): Promise<void> {
  const { file = FILE, name, json } = flags
  rejectFlags('add', { of: flags.of, output: flags.output })
  if (files.length === 0) throw new ValidationError('history add', 'needs JSON files of results or gates')
  if (name !== undefined && files.length > 1) {
    throw new ValidationError(
      '--name',
      `applies to one file, got ${files.length}; omit it to use the names of the files`,
    )
  }
  const commit = flags.commit ?? (await openRepository(process.cwd()).catch(() => null))?.commit ?? null
  const at = new Date().toISOString()
  const entries: HistoryEntry[] = []
  for (const path of files) {
    const value = await readJson(path)
    if ((value as { schema?: unknown } | null)?.schema === GATE_SCHEMA) {
      if (name !== undefined)
        throw new ValidationError('--name', 'does not apply to a gate, whose scenarios have names; omit it')
      entries.push(...buildGateEntries(checkGate(value, { file: path }), { commit: flags.commit, at }))
    } else {
      entries.push(
        buildHistoryEntry(checkResult(value, { file: path }), { name: name ?? basename(path, '.json'), commit, at }),
      )
    }
  }
  await addToHistory(file, entries)
  const runs = plural(entries.length, 'run')
  if (json) printJson(terminal, entries)
  else terminal.stdout.write(`Added ${runs} to ${file}\n`)
}

async function show(terminal: Terminal, files: readonly string[], flags: HistoryFlags): Promise<void> {
  const { file = FILE, name, of = 'mean', output, json } = flags
  rejectFlags('show', { commit: flags.commit })
  if (files.length > 0)
    throw new ValidationError(
      'history show',
      `takes no files, got ${files.join(' ')}; use --file for the file of the history`,
    )
  const format = output === undefined ? null : formatOf(output, ['html', 'json'])
  const entries = await readHistory(file)
  const named = entries.filter((entry) => name === undefined || entry.name === name)
  if (named.length === 0) {
    const names = [...new Set(entries.map((entry) => entry.name))].join(', ')
    throw new ValidationError(
      file,
      name === undefined
        ? 'has no runs; add some with throughline history add'
        : `has no run of '${name}'; known: ${names}`,
    )
  }
  const series = buildHistorySeries(named, of)
  if (output !== undefined) {
    await writeText(output, format === 'html' ? renderHistoryHtml(series) : jsonText(series))
  }
  if (json) printJson(terminal, series)
  else print(terminal, series, renderHistory)
}

function rejectFlags(action: string, flags: Record<string, unknown>): void {
  for (const [name, given] of Object.entries(flags)) {
    if (given !== undefined) throw new ValidationError(`--${name}`, `does not apply to history ${action}; omit it`)
  }
}

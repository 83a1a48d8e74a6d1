import { Command, Option } from 'commander'
import { readResult, writeResult } from '../../files/stored.js'
import { renderResult } from '../../report/terminal/result-table.js'
import { type MergeOptions, mergeResults } from '../../result/merge/merge-results.js'
import { ValidationError } from '../../validation/validation-error.js'
import {
  addOutputOptions,
  addValidityOption,
  failIfInvalid,
  formatOf,
  type OutputFlags,
  print,
  printJson,
  type ValidityFlags,
} from '../output.js'
import type { Terminal } from '../terminal.js'

const EXAMPLES = `
Percentiles are those of all requests together. Results of different scenarios are refused.

Examples:
  $ throughline measure scenario.ts --shard 2/5 --json > shard-2.json
  $ throughline merge shard-*.json -o merged.json
  $ throughline merge run-*.json --as replications --json`

interface MergeFlags extends OutputFlags, ValidityFlags {
  as?: MergeOptions['as']
  output?: string
}

export function mergeCommand(terminal: Terminal): Command {
  const command = new Command('merge')
    .description('merge the results of several machines into one')
    .argument('<files...>', 'JSON files of results, as printed by --json')
    .addOption(
      new Option(
        '--as <kind>',
        'shards ran at the same time; replications have different seeds (default: shards if measured with --shard)',
      ).choices(['shards', 'replications']),
    )
    .option('-o, --output <file>', 'also write the merged result to a JSON file')
  addOutputOptions(addValidityOption(command)).addHelpText('after', EXAMPLES)
  return command.action(async (files: string[], flags: MergeFlags) => {
    if (flags.output !== undefined) formatOf(flags.output, ['json'])
    if (files.length < 2) throw new ValidationError('merge', 'needs the files of two or more results')
    const results = await Promise.all(
      files.map(async (file) => ({ name: file.replace(/\.json$/, ''), result: await readResult(file) })),
    )
    const as = flags.as ?? (results.every(({ result }) => result.shard !== undefined) ? 'shards' : undefined)
    if (as === undefined) {
      throw new ValidationError(
        '--as',
        'is required: shards if the machines ran at the same time, replications if each ran the whole scenario with its own seed',
      )
    }
    const merged = mergeResults(results, { as })
    if (flags.output !== undefined) await writeResult(flags.output, merged)
    if (flags.json) printJson(terminal, merged)
    else print(terminal, merged, renderResult)
    failIfInvalid(terminal, flags, [merged])
  })
}

import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { checkedComparison } from '../budget/check-comparison.js'
import type { Comparison } from '../budget/comparison.js'
import { renderComparison } from '../budget/render-comparison.js'
import type { Swept } from '../explore/sweep.js'
import { readBudget, readJson, writeText } from '../files/stored.js'
import { checkedGate, GATE_SCHEMA, type GateReport } from '../gate/gate-report.js'
import { renderSweepSvg } from '../report/draw/svg.js'
import { renderGateJunit } from '../report/export/gate-junit.js'
import { renderGateMarkdown } from '../report/export/gate-markdown.js'
import { renderHgrm } from '../report/export/hgrm.js'
import { renderHlog } from '../report/export/hlog.js'
import { renderComparisonMarkdown, renderMarkdown, renderSweepMarkdown } from '../report/export/markdown.js'
import { renderResultsCsv, renderSweepCsv } from '../report/export/sweep-csv.js'
import { renderGateHtml } from '../report/html/gate.js'
import { renderHtml } from '../report/html/render.js'
import type { NamedResult } from '../report/named-result.js'
import { renderGate } from '../report/terminal/gate-table.js'
import { renderResult } from '../report/terminal/result-table.js'
import { renderSweep } from '../report/terminal/sweep-table.js'
import { checkedResult } from '../result/check.js'
import { legible } from '../text/legible.js'
import type { RenderOptions } from '../text/style.js'
import { show, ValidationError } from '../validation/validation-error.js'
import { formatOf } from './format.js'
import { addOutputOptions, type OutputFlags, print, printJson } from './output.js'
import { readStored } from './stored-sweep.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
Of a result, a sweep, a comparison or a gate, as --json prints them. .hgrm holds milliseconds, .hlog nanoseconds.

Examples:
  $ throughline report result.json --output report.html --budget budget.json
  $ throughline report base.json head.json --output results.csv
  $ throughline report sweep.json --output sweep.svg
  $ throughline report result.json --format md >> "$GITHUB_STEP_SUMMARY"`

/** What a kind of file can be written as. */
const FORMATS = {
  results: ['html', 'md', 'csv', 'hgrm', 'hlog', 'json'],
  sweep: ['html', 'svg', 'md', 'csv', 'json'],
  comparison: ['html', 'md', 'json'],
  gate: ['html', 'md', 'xml', 'json'],
} as const
const ALL = ['html', 'svg', 'md', 'csv', 'hgrm', 'hlog', 'xml', 'json'] as const
type Format = (typeof ALL)[number]

type ReportInput =
  | { kind: 'results'; results: NamedResult[] }
  | { kind: 'sweep'; swept: Swept[] }
  | { kind: 'comparison'; comparison: Comparison }
  | { kind: 'gate'; gate: GateReport }

interface ReportFlags extends OutputFlags {
  output?: string
  format?: Format
  budget?: string
}

export function reportCommand(terminal: Terminal): Command {
  const command = new Command('report')
    .description('show stored results, or write them for other tools')
    .argument('<files...>', 'the JSON files of results, or that of a sweep, a comparison or a gate')
    .option(
      '-o, --output <file>',
      `where to write, by the end of its name: ${ALL.map((each) => `.${each}`).join(', ')}`,
    )
    .option('--budget <file>', 'of .html: the JSON file of a budget that every run is judged by')
    .addOption(new Option('--format <name>', 'what to write, whatever the name ends in').choices(ALL))
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (files: string[], { output, format: asked, json, budget: budgetFile }: ReportFlags) => {
    const format = asked ?? (output === undefined ? null : formatOf(output, ALL))
    const reported = await read(files)
    if (format === null) {
      if (json) printJson(terminal, plainOf(reported))
      else print(terminal, reported, render)
      return
    }
    if (budgetFile !== undefined && format !== 'html') {
      throw new ValidationError('--budget', 'is of .html alone; check judges a result, and writes its verdict')
    }
    const budget = budgetFile === undefined ? undefined : await readBudget(budgetFile)
    if (reported.kind === 'gate' && budget !== undefined) {
      throw new ValidationError('--budget', 'is of results; the scenarios of a gate have budgets of their own')
    }
    const text =
      format === 'html' && reported.kind !== 'gate'
        ? renderHtml(runsOf(reported), { budget })
        : written(reported, format, output)
    if (output === undefined) terminal.stdout.write(text)
    else await writeText(output, text)
  })
}

async function read(files: string[]): Promise<ReportInput> {
  const values = await Promise.all(files.map(async (file) => ({ file, value: await readJson(file) })))
  const [{ file, value } = { file: '', value: null }] = values
  const alone = (kind: string) => {
    if (values.length > 1) throw new ValidationError(file, `is a ${kind}, which is reported by itself`)
  }
  if (Array.isArray(value) && value.length > 0) {
    alone('sweep')
    return { kind: 'sweep', swept: readStored(value, file) }
  }
  if (schemaOf(value)?.startsWith('throughline/comparison@')) {
    alone('comparison')
    return { kind: 'comparison', comparison: checkedComparison(value, file) }
  }
  if (schemaOf(value) === GATE_SCHEMA) {
    alone('gate')
    return { kind: 'gate', gate: checkedGate(value, file) }
  }
  const foreign = values.find(({ value }) => schemaOf(value) === undefined)
  if (foreign !== undefined) {
    throw new ValidationError(
      foreign.file,
      `must hold a result, a sweep, a comparison or a gate, as --json prints them, got ${show(foreign.value)}`,
    )
  }
  const results = values.map(({ file, value }) => ({
    name: basename(file).replace(/\.json$/, ''),
    result: checkedResult(value, file),
  }))
  return { kind: 'results', results }
}

function schemaOf(value: unknown): string | undefined {
  const schema = typeof value === 'object' && value !== null ? (value as { schema?: unknown }).schema : undefined
  return typeof schema === 'string' ? schema : undefined
}

function runsOf(reported: Exclude<ReportInput, { kind: 'gate' }>) {
  if (reported.kind === 'sweep') return reported.swept
  if (reported.kind === 'comparison') return reported.comparison
  const { results } = reported
  return results.length === 1 ? (results[0] as NamedResult).result : results
}

function written(reported: ReportInput, format: Format, output?: string): string {
  const { kind } = reported
  const formats: readonly Format[] = FORMATS[kind]
  if (format === 'xml' && kind !== 'gate') {
    throw new ValidationError(
      output ?? '--format',
      `is JUnit of a budget, which check writes: throughline check <result> --budget <file> --output ${output ?? 'junit.xml'}`,
    )
  }
  if (!formats.includes(format)) {
    throw new ValidationError('report', `cannot write ${NAMES[kind]} as .${format}; what can: ${formats.join(', ')}`)
  }
  if (format === 'json') return `${JSON.stringify(plainOf(reported), null, 2)}\n`
  switch (kind) {
    case 'sweep': {
      const { swept } = reported
      return format === 'svg'
        ? renderSweepSvg(swept)
        : format === 'csv'
          ? renderSweepCsv(swept)
          : renderSweepMarkdown(swept)
    }
    case 'comparison':
      return renderComparisonMarkdown(reported.comparison)
    case 'gate':
      return format === 'html'
        ? renderGateHtml(reported.gate)
        : format === 'xml'
          ? renderGateJunit(reported.gate)
          : renderGateMarkdown(reported.gate)
    case 'results':
      return writtenResults(reported.results, format)
  }
}

function writtenResults(results: NamedResult[], format: Format): string {
  const [first] = results as [NamedResult]
  switch (format) {
    case 'csv':
      return renderResultsCsv(results)
    case 'hlog':
      return renderHlog(results)
    case 'hgrm':
      if (results.length > 1)
        throw new ValidationError('report', 'a .hgrm file holds one result; give one, or write .hlog')
      return renderHgrm(first.result.latencyMs)
    default:
      if (results.length === 1) return renderMarkdown(first.result)
      return results.map(({ name, result }) => renderMarkdown(result, { title: name })).join('\n')
  }
}

const NAMES = { results: 'results', sweep: 'a sweep', comparison: 'a comparison', gate: 'a gate' }

function plainOf(reported: ReportInput): unknown {
  if (reported.kind === 'sweep') return reported.swept.map(({ point, result }) => ({ ...point, result }))
  if (reported.kind === 'comparison') return reported.comparison
  if (reported.kind === 'gate') return reported.gate
  return reported.results.length === 1 ? reported.results[0]?.result : reported.results.map(({ result }) => result)
}

function render(reported: ReportInput, options: RenderOptions): string {
  switch (reported.kind) {
    case 'sweep':
      return renderSweep(reported.swept, options)
    case 'comparison':
      return renderComparison(reported.comparison, options)
    case 'gate':
      return renderGate(reported.gate, options)
    case 'results':
      return reported.results
        .map(({ name, result }) => {
          const shown = legible(name)
          const title = reported.results.length > 1 ? ` ${options.style?.('bold', shown) ?? shown}\n\n` : ''
          return title + renderResult(result, options)
        })
        .join('\n\n\n')
  }
}

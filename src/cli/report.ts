import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { checkComparison } from '../budget/check-comparison.js'
import type { Comparison } from '../budget/comparison.js'
import { renderComparison } from '../budget/render-comparison.js'
import type { Swept } from '../explore/sweep.js'
import { readBudget, readJson, writeText } from '../files/stored.js'
import { checkGate, GATE_SCHEMA, type GateReport } from '../gate/gate-report.js'
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
import { parseStoredSweep } from './stored-sweep.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
Reads results, a sweep, a comparison or a gate, as printed by --json. .hgrm holds milliseconds, .hlog nanoseconds.

Examples:
  $ throughline report result.json --output report.html --budget budget.json
  $ throughline report base.json head.json --output results.csv
  $ throughline report sweep.json --output sweep.svg
  $ throughline report result.json --format md >> "$GITHUB_STEP_SUMMARY"`

/** The formats of each kind of input. */
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
    .description('show stored results, or write them as HTML, SVG, Markdown, CSV or for HdrHistogram')
    .argument('<files...>', 'JSON files of results, or one of a sweep, a comparison or a gate')
    .option(
      '-o, --output <file>',
      `file to write, in the format of its extension: ${ALL.map((each) => `.${each}`).join(', ')}`,
    )
    .option('--budget <file>', '.html only: JSON file of a budget to check every run against')
    .addOption(new Option('--format <name>', 'format, instead of that of the extension').choices(ALL))
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (files: string[], { output, format: asked, json, budget: budgetFile }: ReportFlags) => {
    const format = asked ?? (output === undefined ? null : formatOf(output, ALL))
    const reported = await read(files)
    if (format === null) {
      if (json) printJson(terminal, toPlain(reported))
      else print(terminal, reported, render)
      return
    }
    if (budgetFile !== undefined && format !== 'html') {
      throw new ValidationError(
        '--budget',
        'applies to .html only; use throughline check to check a result and write the verdict',
      )
    }
    const budget = budgetFile === undefined ? undefined : await readBudget(budgetFile)
    if (reported.kind === 'gate' && budget !== undefined) {
      throw new ValidationError('--budget', 'does not apply to a gate, whose scenarios have their own budgets')
    }
    const text =
      format === 'html' && reported.kind !== 'gate'
        ? renderHtml(runsOf(reported), { budget })
        : renderAs(reported, format, output)
    if (output === undefined) terminal.stdout.write(text)
    else await writeText(output, text)
  })
}

async function read(files: string[]): Promise<ReportInput> {
  const values = await Promise.all(files.map(async (file) => ({ file, value: await readJson(file) })))
  const [{ file, value } = { file: '', value: null }] = values
  const requireSingle = (kind: string) => {
    if (values.length > 1) throw new ValidationError(file, `is a ${kind}, which must be the only file`)
  }
  if (Array.isArray(value) && value.length > 0) {
    requireSingle('sweep')
    return { kind: 'sweep', swept: parseStoredSweep(value, file) }
  }
  if (schemaOf(value)?.startsWith('throughline/comparison@')) {
    requireSingle('comparison')
    return { kind: 'comparison', comparison: checkComparison(value, file) }
  }
  if (schemaOf(value) === GATE_SCHEMA) {
    requireSingle('gate')
    return { kind: 'gate', gate: checkGate(value, file) }
  }
  const tuned = values.find(({ value }) => schemaOf(value)?.startsWith('throughline/tuned@'))
  if (tuned !== undefined) {
    throw new ValidationError(
      tuned.file,
      'holds what tune found; its page is written by throughline tune … --output tuned.html, or by renderHtml',
    )
  }
  const foreign = values.find(({ value }) => schemaOf(value) === undefined)
  if (foreign !== undefined) {
    throw new ValidationError(
      foreign.file,
      `must hold a result, a sweep, a comparison or a gate, as printed by --json, got ${show(foreign.value)}`,
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

function renderAs(reported: ReportInput, format: Format, output?: string): string {
  const { kind } = reported
  const formats: readonly Format[] = FORMATS[kind]
  if (format === 'xml' && kind !== 'gate') {
    throw new ValidationError(
      output ?? '--format',
      `is a JUnit report; write it with throughline check <result> --budget <file> --output ${output ?? 'junit.xml'}`,
    )
  }
  if (!formats.includes(format)) {
    throw new ValidationError('report', `cannot write ${NAMES[kind]} as .${format}; accepted: ${formats.join(', ')}`)
  }
  if (format === 'json') return `${JSON.stringify(toPlain(reported), null, 2)}\n`
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
      return renderResultsAs(reported.results, format)
  }
}

/** Renders results in a format of files other than HTML and JSON. */
export function renderResultsAs(results: NamedResult[], format: Format): string {
  const [first] = results as [NamedResult]
  switch (format) {
    case 'csv':
      return renderResultsCsv(results)
    case 'hlog':
      return renderHlog(results)
    case 'hgrm':
      if (results.length > 1)
        throw new ValidationError('report', 'a .hgrm file holds one result; give one result, or write .hlog')
      return renderHgrm(first.result.latencyMs)
    default:
      if (results.length === 1) return renderMarkdown(first.result)
      return results.map(({ name, result }) => renderMarkdown(result, { title: name })).join('\n')
  }
}

const NAMES = { results: 'results', sweep: 'a sweep', comparison: 'a comparison', gate: 'a gate' }

function toPlain(reported: ReportInput): unknown {
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

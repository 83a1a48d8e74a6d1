import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { checkComparison } from '../budget/comparison/check-comparison.js'
import type { Comparison } from '../budget/comparison/comparison.js'
import { renderComparison } from '../budget/comparison/render-comparison.js'
import type { Swept } from '../explore/sweep.js'
import { checkTuned } from '../explore/tune/check-tuned.js'
import type { Tuned } from '../explore/tune/tuned.js'
import { jsonText, readJson, writeText } from '../files/stored.js'
import { checkGate, GATE_SCHEMA, type GateReport } from '../gate/gate-report.js'
import { renderSweepSvg } from '../report/draw/svg.js'
import { renderResultsCsv, renderSweepCsv } from '../report/export/csv.js'
import { renderGateJunit } from '../report/export/gate-junit.js'
import { renderGateMarkdown } from '../report/export/gate-markdown.js'
import { renderHgrm } from '../report/export/hgrm.js'
import { renderHlog } from '../report/export/hlog.js'
import { renderComparisonMarkdown, renderMarkdown, renderSweepMarkdown } from '../report/export/markdown.js'
import { renderGateHtml } from '../report/html/gate.js'
import { renderHtml } from '../report/html/render.js'
import type { NamedResult } from '../report/named-result.js'
import { renderGate } from '../report/terminal/gate-table.js'
import { type ResultRenderOptions, renderResult } from '../report/terminal/result-table.js'
import { renderSweep } from '../report/terminal/sweep-table.js'
import { renderTuned } from '../report/terminal/tuned-table.js'
import { checkResult } from '../result/check.js'
import { makeLegible } from '../text/legible.js'
import { show, ValidationError } from '../validation/validation-error.js'
import {
  addOutputOptions,
  addPriceOption,
  formatOf,
  type OutputFlags,
  type PriceFlags,
  priceOf,
  print,
  printJson,
} from './output.js'
import { BUDGET_IS, loadBudget } from './parse-flags.js'
import { parseStoredSweep } from './stored-sweep.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
Reads results, a sweep, a comparison, a gate or a tune result, as printed by --json. .hgrm holds milliseconds, .hlog nanoseconds.

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
  tuned: ['html', 'json'],
} as const
const ALL = ['html', 'svg', 'md', 'csv', 'hgrm', 'hlog', 'xml', 'json'] as const
type Format = (typeof ALL)[number]

type ReportInput =
  | { kind: 'results'; results: NamedResult[] }
  | { kind: 'sweep'; swept: Swept[] }
  | { kind: 'comparison'; comparison: Comparison }
  | { kind: 'gate'; gate: GateReport }
  | { kind: 'tuned'; tuned: Tuned }

interface ReportFlags extends OutputFlags, PriceFlags {
  output?: string
  format?: Format
  budget?: string
}

export function reportCommand(terminal: Terminal): Command {
  const command = new Command('report')
    .description('show stored results, or write them as HTML, SVG, Markdown, CSV or for HdrHistogram')
    .argument('<files...>', 'JSON files of results, or one of a sweep, a comparison, a gate or a tune result')
    .option(
      '-o, --output <file>',
      `file to write, in the format of its extension: ${ALL.map((each) => `.${each}`).join(', ')}`,
    )
    .option('--budget <limits>', `.html only: check every run against ${BUDGET_IS}`)
    .addOption(new Option('--format <name>', 'format, instead of that of the extension').choices(ALL))
  addOutputOptions(addPriceOption(command)).addHelpText('after', EXAMPLES)
  return command.action(
    async (files: string[], { output, format: asked, json, budget: limits, ...flags }: ReportFlags) => {
      const price = priceOf(flags)
      const format = asked ?? (output === undefined ? null : formatOf(output, ALL))
      const reported = await read(files)
      if (format === null) {
        if (json) printJson(terminal, toPlain(reported))
        else print(terminal, reported, (each, options) => render(each, { ...options, price }))
        return
      }
      if (limits !== undefined && format !== 'html') {
        throw new ValidationError(
          '--budget',
          'applies to .html only; use throughline check to check a result and write the verdict',
        )
      }
      const budget = limits === undefined ? undefined : await loadBudget(limits)
      if (reported.kind === 'gate' && budget !== undefined) {
        throw new ValidationError('--budget', 'does not apply to a gate, whose scenarios have their own budgets')
      }
      const text =
        format === 'html' && reported.kind !== 'gate'
          ? renderHtml(runsOf(reported), { budget, price })
          : renderAs(reported, format, price, output)
      if (output === undefined) terminal.stdout.write(text)
      else await writeText(output, text)
    },
  )
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
    return { kind: 'comparison', comparison: checkComparison(value, { file }) }
  }
  if (schemaOf(value) === GATE_SCHEMA) {
    requireSingle('gate')
    return { kind: 'gate', gate: checkGate(value, { file }) }
  }
  if (schemaOf(value)?.startsWith('throughline/tuned@')) {
    requireSingle('tune result')
    return { kind: 'tuned', tuned: checkTuned(value, { file }) }
  }
  const foreign = values.find(({ value }) => schemaOf(value) === undefined)
  if (foreign !== undefined) {
    throw new ValidationError(
      foreign.file,
      `must hold a result, a sweep, a comparison, a gate or a tune result, as printed by --json, got ${show(foreign.value)}`,
    )
  }
  const results = values.map(({ file, value }) => ({
    name: basename(file).replace(/\.json$/, ''),
    result: checkResult(value, { file }),
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
  if (reported.kind === 'tuned') return reported.tuned
  const { results } = reported
  return results.length === 1 ? (results[0] as NamedResult).result : results
}

function renderAs(reported: ReportInput, format: Format, price: number | undefined, output?: string): string {
  const { kind } = reported
  const formats: readonly Format[] = FORMATS[kind]
  if (format === 'xml' && kind !== 'gate') {
    throw new ValidationError(
      output ?? '--format',
      `is a JUnit report; write it with throughline check <result> --budget <limits> --output ${output ?? 'junit.xml'}`,
    )
  }
  if (!formats.includes(format)) {
    throw new ValidationError('report', `cannot write ${NAMES[kind]} as .${format}; accepted: ${formats.join(', ')}`)
  }
  if (format === 'json') return jsonText(toPlain(reported))
  switch (kind) {
    case 'sweep': {
      const { swept } = reported
      return format === 'svg'
        ? renderSweepSvg(swept)
        : format === 'csv'
          ? renderSweepCsv(swept, { price })
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
    case 'tuned':
      return renderHtml(reported.tuned)
    case 'results':
      return renderResultsAs(reported.results, format, price)
  }
}

/** Renders results in a format of files other than HTML and JSON. */
export function renderResultsAs(results: NamedResult[], format: Format, price: number | undefined): string {
  const [first] = results as [NamedResult]
  switch (format) {
    case 'csv':
      return renderResultsCsv(results, { price })
    case 'hlog':
      return renderHlog(results)
    case 'hgrm':
      if (results.length > 1)
        throw new ValidationError('report', 'a .hgrm file holds one result; give one result, or write .hlog')
      return renderHgrm(first.result.latencyMs)
    default:
      if (results.length === 1) return renderMarkdown(first.result, { price })
      return results.map(({ name, result }) => renderMarkdown(result, { title: name, price })).join('\n')
  }
}

const NAMES = {
  results: 'results',
  sweep: 'a sweep',
  comparison: 'a comparison',
  gate: 'a gate',
  tuned: 'a tune result',
}

function toPlain(reported: ReportInput): unknown {
  if (reported.kind === 'tuned') return reported.tuned
  if (reported.kind === 'sweep') return reported.swept.map(({ point, result }) => ({ ...point, result }))
  if (reported.kind === 'comparison') return reported.comparison
  if (reported.kind === 'gate') return reported.gate
  return reported.results.length === 1 ? reported.results[0]?.result : reported.results.map(({ result }) => result)
}

function render(reported: ReportInput, options: ResultRenderOptions): string {
  switch (reported.kind) {
    case 'sweep':
      return renderSweep(reported.swept, options)
    case 'comparison':
      return renderComparison(reported.comparison, options)
    case 'gate':
      return renderGate(reported.gate, options)
    case 'tuned':
      return renderTuned(reported.tuned, options)
    case 'results':
      return reported.results
        .map(({ name, result }) => {
          const shown = makeLegible(name)
          const title = reported.results.length > 1 ? ` ${options.style?.('bold', shown) ?? shown}\n\n` : ''
          return title + renderResult(result, options)
        })
        .join('\n\n\n')
  }
}

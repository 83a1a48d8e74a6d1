import { describe, expect, it } from 'vitest'
import {
  assertBudget,
  assertNotSlower,
  checkBudget,
  compareResults,
  fromTinybench,
  percentile,
  summarize,
  summarizeRuns,
  ValidationError,
} from '../../src/index.js'
import * as report from '../../src/report/index.js'

type Given = (given: never) => unknown
const tradeOff = { offeredPerSec: 1 }
const budget = { p99: '1ms' }

/** Every function that takes the output of a run, and the path that its error names. */
const TAKERS: Record<string, [path: string, take: Given]> = {
  renderHtml: ['report[0]', (given) => report.renderHtml(given)],
  'renderHtml of a named': ['report[0].result', (result) => report.renderHtml({ name: 'a', result })],
  renderResult: ['result', (given) => report.renderResult(given)],
  renderMarkdown: ['result', (given) => report.renderMarkdown(given)],
  figuresOf: ['result', (given) => report.figuresOf(given)],
  figuresOverRounds: ['rounds', (given) => report.figuresOverRounds(given)],
  renderHgrm: ['summary', (given) => report.renderHgrm(given)],
  renderHlog: ['results', (given) => report.renderHlog(given)],
  'renderHlog of one': ['results[0].result', (result) => report.renderHlog([{ name: 'a', result }])],
  renderResultsCsv: ['results', (given) => report.renderResultsCsv(given)],
  'renderResultsCsv of none': ['results[0]', (given) => report.renderResultsCsv([given])],
  renderSweepCsv: ['sweep', (given) => report.renderSweepCsv(given)],
  'renderSweepCsv of one': ['sweep[0].result', (result) => report.renderSweepCsv([{ point: {}, result }])],
  renderSweepMarkdown: ['sweep', (given) => report.renderSweepMarkdown(given)],
  renderSweep: ['sweep', (given) => report.renderSweep(given)],
  'renderSweep of none': ['sweep[0]', (given) => report.renderSweep([given])],
  renderSweepSvg: ['sweep', (given) => report.renderSweepSvg(given)],
  renderTradeOffSvg: ['rows', (given) => report.renderTradeOffSvg(given, tradeOff)],
  renderTradeOff: ['rows', (given) => report.renderTradeOff(given, tradeOff)],
  renderTradeOffPlot: ['rows', (given) => report.renderTradeOffPlot(given, tradeOff)],
  agreementOf: ['rows', (given) => report.agreementOf(given)],
  renderJunit: ['check', (given) => report.renderJunit(given)],
  renderBudget: ['check', (given) => report.renderBudget(given)],
  renderBudgetMarkdown: ['check', (given) => report.renderBudgetMarkdown(given)],
  renderComparison: ['comparison', (given) => report.renderComparison(given)],
  renderComparisonMarkdown: ['comparison', (given) => report.renderComparisonMarkdown(given)],
  assertNotSlower: ['comparison', (given) => assertNotSlower(given)],
  compareResults: ['base', (given) => compareResults(given, given)],
  checkBudget: ['result', (given) => checkBudget(given, budget)],
  assertBudget: ['result', (given) => assertBudget(given, budget)],
  percentile: ['summary', (given) => percentile(given, 99)],
  summarize: ['values', (given) => summarize(given)],
  summarizeRuns: ['runs', (given) => summarizeRuns(given)],
  fromTinybench: ['runs', (given) => fromTinybench(given)],
  'fromTinybench of none': ['runs[0]', (given) => fromTinybench([given])],
}

const thrownBy = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('it was taken')
}

describe.each(Object.entries(TAKERS))('%s', (_, [path, take]) => {
  it('reports a missing await', () => {
    const thrown = thrownBy(() => take(Promise.resolve() as never)) as ValidationError
    expect(thrown).toBeInstanceOf(ValidationError)
    expect(thrown.message).toMatch(/^(\S+): must [^\n]*[,;] got a Promise: did you forget await\?$/)
    expect(thrown.path).toBe(path)
  })

  it.each([
    ['a number', 5, 'got 5'],
    ['null', null, 'got null'],
    ['nothing', undefined, 'got nothing'],
    ['a text', 'result.json', 'got "result.json"'],
  ])('reports that it received %s', (_, given, said) => {
    const thrown = thrownBy(() => take(given as never)) as ValidationError
    expect(thrown).toBeInstanceOf(ValidationError)
    expect(thrown.message.endsWith(said)).toBe(true)
    expect(thrown.path).toBe(path)
  })

  it('rejects a file of another tool', () => {
    const thrown = thrownBy(() => take({ schema: 5, name: 'another', scripts: {} } as never))
    expect(thrown).toBeInstanceOf(ValidationError)
  })
})

it('a file of another tool is shown in the error', () => {
  expect(() => checkBudget({ name: 'another' } as never, budget)).toThrow(
    'result: must be a result with the schema "throughline/result@1", got {"name":"another"}',
  )
})

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { formatWithOptions, inspect } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as throughline from '../../src/index.js'
import { environment } from '../../src/machine/environment.js'
import * as report from '../../src/report/index.js'

// Runs each @example in the doc comments of the exports. A line `expression // value` is an assertion: the value must be
// equal, or with `about` within 10 %. After `console.log(...) // text`, the text must be what is printed. Any other
// comment after an expression is only text.

const source = resolve(import.meta.dirname, '../../src')
/** Folders without exports, and matchers and projects of vitest, which run only in tests of their own. */
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !/^(cli|clock)\/|^vitest/.test(name),
)
const exported = { ...throughline, ...report }

interface Example {
  name: string
  code: string
}

function examplesIn(file: string): Example[] {
  const comments = readFileSync(join(source, file), 'utf8').matchAll(
    /^ \* @example\n((?: \*.*\n)*?) \*\/\nexport (?:async )?(?:const|function|class|interface) (\w+)/gm,
  )
  return [...comments].map(([, body = '', name = '']) => {
    const lines = body.split('\n').map((line) => line.replace(/^ \* ?/, ''))
    const end = lines.findIndex((line) => line.startsWith('@throws') || line.startsWith('@param'))
    const code = lines.slice(0, end < 0 ? undefined : end).filter((line) => !line.startsWith('```'))
    return { name, code: code.join('\n') }
  })
}

const examples = files.flatMap(examplesIn)

/** Turns `console.log(...) // text` and `expression // value` into calls of `print` and `check`. */
const withChecks = (code: string) =>
  code
    .replace(/\bconsole\.log\((.*)\) \/\/ (.+)$/gm, 'print($2, [$1])'.replace('$2', '`$2`'))
    .replace(
      /^( *)(?!const |if )(\S.*?) \/\/ (about )?(-?[\d,.]+|'.*?'|\{.*\})(?=$|[:, ]).*$/gm,
      (_, indent, expression, about = '', value) =>
        `${indent}check(${expression}, ${/^[\d-]/.test(value) ? value.replaceAll(',', '') : value}, ${about !== ''})`,
    )

function check(found: unknown, shown: unknown, isAbout: boolean): void {
  if (!isAbout) {
    expect(found).toEqual(shown)
    return
  }
  const ratio = (found as number) / (shown as number)
  expect(ratio, `${inspect(found)} is not about ${inspect(shown)}`).toBeGreaterThan(0.9)
  expect(ratio, `${inspect(found)} is not about ${inspect(shown)}`).toBeLessThan(1.1)
}

function print(text: string, values: unknown[]): void {
  expect(formatWithOptions({ colors: false }, ...values)).toBe(text)
}
const silent = { log: (..._values: unknown[]) => {}, warn: (..._values: unknown[]) => {} }

/** Packages that examples import from. */
const packages: Record<string, () => Promise<Record<string, unknown>>> = {
  'node:fs/promises': () => import('node:fs/promises'),
  'node:http': () => import('node:http'),
  '@opentelemetry/api': () => import('@opentelemetry/api'),
  '@opentelemetry/sdk-metrics': () => import('@opentelemetry/sdk-metrics'),
  'prom-client': () => import('prom-client'),
  tinybench: () => import('tinybench'),
}
const IMPORTS = /^import \{([^}]*)\} from '([^']*)'$/gm

/** What an example can name: the exports, and what it imports. */
async function namesFor(code: string): Promise<Record<string, unknown>> {
  const names: Record<string, unknown> = { ...exported, check, print, console: silent }
  for (const [, list = '', from = ''] of code.matchAll(IMPORTS)) {
    const all = from.startsWith('throughline') ? exported : await packages[from]?.()
    for (const name of list.split(',').map((each) => each.trim())) {
      if (name === '' || name.startsWith('type ')) continue
      expect(all, `${name} of ${from}`).toHaveProperty(name)
      names[name] = (all as Record<string, unknown>)[name]
    }
  }
  return names
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<unknown>

let folder: string
const before = process.cwd()
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-examples-'))
  const busy = 'const end = performance.now() + 0.5; while (performance.now() < end);'
  writeFileSync(join(folder, 'model.js'), `export default (batch) => { ${busy} return batch }`)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'requests.csv'), 'arrivedAt\n0\n0.5\n0.75\n')
  const gate: throughline.GateReport = {
    ...{ schema: 'throughline/gate@1', verdict: 'inconclusive', scenarios: [], notes: [], environment: environment() },
    base: { ref: 'origin/main', commit: 'a'.repeat(40), dependencies: 'linked' },
    head: { commit: 'b'.repeat(40), branch: 'faster', changes: 0 },
  }
  writeFileSync(join(folder, 'gate.json'), JSON.stringify(gate))
  process.chdir(folder)
})
afterAll(() => {
  process.chdir(before)
  rmSync(folder, { recursive: true, force: true })
})

it('every exported function and class has an example', () => {
  const functions = Object.entries(exported).filter(([, value]) => typeof value === 'function')
  const shown = examples.map(({ name }) => name)
  expect(functions.map(([name]) => name).filter((name) => !shown.includes(name))).toEqual([])
})

/** Compiles an example; few have types of more than parameters and variables, which take a compiler that is slow to load. */
async function compile(names: string[], code: string): Promise<(...values: unknown[]) => Promise<unknown>> {
  try {
    const untyped = code.replace(/\((\w+): \w+(\[\])?\)/g, '($1)').replace(/^(const|let) (\w+): [\w |]+ =/gm, '$1 $2 =')
    return new AsyncFunction(...names, untyped)
  } catch {
    const { default: ts } = await import('typescript')
    const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext }
    return new AsyncFunction(...names, ts.transpile(code, options))
  }
}

/** The examples that take seconds. */
const LONG = ['calibrate', 'capacity', 'headroom', 'measureCapacity', 'replicate', 'tune']
const isLong = ({ name }: Example) => LONG.includes(name)
const run = async ({ code }: Example) => {
  const shortened = code
    .replace('{ utilization: 0.7 })', "{ utilization: 0.7 }, { duration: '1500ms' })")
    .replace('new Bench({ iterations: 100,', 'new Bench({ warmup: false, iterations: 100,')
    .replace('tune(scenario, { budget', 'tune(scenario, { maxBatchSize: [8, 16], maxWait: [0], mostServers: 2, budget')
    .replace('"400/s", "service": "1ms" }', '"400/s", "service": "1ms", "stop": { "requests": 20000 } }')
    .replace(/^const \{ agents, (.*)\{ atMost: '3s' \}/m, "const { agents, $1{ atMost: '600ms' }")
    .replace(/(simulate\(\{ arrivals: '\d+\/s', service: '[\d.]+ms') \}\)/g, '$1, stop: { requests: 20_000 } })')
  const names = await namesFor(shortened)
  const compiled = await compile(Object.keys(names), withChecks(shortened.replace(IMPORTS, '')))
  await compiled(...Object.values(names))
}
it.each(examples.filter((example) => !isLong(example)))('the example of $name runs', run)
it.each(examples.filter(isLong))('the example of $name runs', { tags: 'full' }, run)

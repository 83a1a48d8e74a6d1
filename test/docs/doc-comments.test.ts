import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as throughline from '../../src/index.js'
import { itAtLength } from '../support/at-length.js'

// Runs each @example in the doc comments of these folders. A line `expression // value` is an assertion: the value must be
// equal, or with `about` within 10 %. Any other comment after an expression is only text.

const source = resolve(import.meta.dirname, '../../src')
const files = ['scenario', 'simulate', 'explore', 'validation']
  .flatMap((folder) =>
    readdirSync(join(source, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  .filter((name) => name.endsWith('.ts'))

interface Example {
  name: string
  code: string
}

function examplesIn(file: string): Example[] {
  const comments = readFileSync(join(source, file), 'utf8').matchAll(
    /@example\n([\s\S]*?) \*\/\nexport (?:async )?(?:const|function|class) (\w+)/g,
  )
  return [...comments].map(([, body = '', name = '']) => {
    const lines = body.split('\n').map((line) => line.replace(/^ \* ?/, ''))
    const end = lines.findIndex((line) => line.startsWith('@'))
    return { name, code: lines.slice(0, end < 0 ? undefined : end).join('\n') }
  })
}

const examples = files.flatMap(examplesIn)

/** Turns `expression // value` into a call of `check`. */
const withChecks = (code: string) =>
  code.replace(
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
  process.chdir(folder)
})
afterAll(() => {
  process.chdir(before)
  rmSync(folder, { recursive: true, force: true })
})

it('the exported functions of scenarios and runs have examples', () => {
  const exported = Object.entries(throughline).filter(([, value]) => typeof value === 'function')
  const here = files.map((file) => readFileSync(join(source, file), 'utf8')).join('\n')
  const names = exported
    .map(([name]) => name)
    // written elsewhere
    .filter((name) => new RegExp(`^export (async )?(const|function|class) ${name}\\b`, 'm').test(here))
  expect(examples.map(({ name }) => name)).toEqual(expect.arrayContaining(names.filter((name) => name !== 'tune')))
})

/** The examples that take seconds. */
const LONG = ['calibrate', 'capacity', 'headroom', 'replicate', 'tune']
const isLong = ({ name }: Example) => LONG.includes(name)
const run = async ({ code }: Example) => {
  const shortened = code.replace('{ utilization: 0.7 })', "{ utilization: 0.7 }, { duration: '600ms' })")
  const compiled = new AsyncFunction(...Object.keys(throughline), 'check', withChecks(shortened))
  await compiled(...Object.values(throughline), check)
}
it.each(examples.filter((example) => !isLong(example)))('the example of $name runs', run)
itAtLength.each(examples.filter(isLong))('the example of $name runs', run)

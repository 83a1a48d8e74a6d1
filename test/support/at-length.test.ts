import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'

const tests = resolve(import.meta.dirname, '..')

/** Lists the uses of `atLength` that no test with a tag contains, so that the full suite would skip them: `line: text`. */
function usesWithoutTag(text: string): string[] {
  if (!text.includes('atLength')) return []
  const source = ts.createSourceFile('x.test.ts', text, ts.ScriptTarget.Latest, true)
  const found = new Set<ts.Node>()
  const check = (name: string) => {
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node) && node.text === name && !isName(node)) {
        const place = placeOf(node)
        if (place === null) found.add(node)
        else if (place !== 'tagged') check(place)
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  check('atLength')
  return [...found]
    .sort((a, b) => a.pos - b.pos)
    .map((node) => {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart())
      return `${line + 1}: ${text.split('\n')[line]?.trim()}`
    })
}

const isName = (node: ts.Node, parent = node.parent) =>
  ts.isImportSpecifier(parent) ||
  ((ts.isVariableDeclaration(parent) || ts.isFunctionDeclaration(parent)) && parent.name === node)

/** Whether a test or `describe` with a tag contains it, or the name of the constant of the file that it computes. */
function placeOf(node: ts.Node): 'tagged' | (string & {}) | null {
  let constant: string | null = null
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isCallExpression(at) && at.arguments.some(hasTags)) return 'tagged'
    if (ts.isVariableDeclaration(at) && ts.isIdentifier(at.name)) constant = at.name.text
    if (ts.isFunctionLike(at)) constant = null
    // the default of a parameter of a helper: its tests choose their tags
    if (ts.isParameter(at) && at.initializer !== undefined) return 'tagged'
  }
  return constant
}

const hasTags = (node: ts.Node) =>
  ts.isObjectLiteralExpression(node) && node.properties.some(({ name }) => name?.getText() === 'tags')

it('every test that runs more cases at length has a tag, so that the full suite runs it', () => {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'))
  const found = files.flatMap((name) =>
    usesWithoutTag(readFileSync(join(tests, name), 'utf8')).map((each) => `${name}:${each}`),
  )
  expect(found).toEqual([])
})

it('a use without a tag is found, of a constant too', () => {
  const text = `import { atLength } from './at-length.js'
const MANY = atLength(100)
it('a', { tags: 'at-length' }, () => run(atLength(5), MANY))
it('b', () => run(atLength(6)))
describe('c', { tags: 'at-length' }, () => {
  it('d', () => run(MANY))
})
it('e', () => {
  const all = { numRuns: MANY }
  run(all)
})
it.each(kinds.slice(0, atLength(2)))('f', { tags: 'at-length' }, run)
it.each(kinds.slice(0, atLength(2)))('g', run)`
  expect(usesWithoutTag(text)).toEqual([
    "4: it('b', () => run(atLength(6)))",
    '9: const all = { numRuns: MANY }',
    "13: it.each(kinds.slice(0, atLength(2)))('g', run)",
  ])
})

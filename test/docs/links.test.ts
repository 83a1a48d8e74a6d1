import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FINDING_EFFECTS } from '../../src/result/validity.js'
import { simulate } from '../../src/simulate/simulate.js'
import { throughline } from '../support/processes/command-line.js'

// That links lead somewhere, and that the reference is complete.

const repository = resolve(import.meta.dirname, '../..')
const read = (name: string) => readFileSync(join(repository, name), 'utf8')
const docs = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name))
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs]

/** A text without its blocks of code. */
const proseOf = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '')

/** The anchors of a document, as its readers' renderers make them of headings. */
function anchorsOf(name: string): string[] {
  return [...proseOf(read(name)).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe.each(documents)('%s', (name) => {
  const prose = proseOf(read(name))

  it('has links that lead somewhere', () => {
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? name : relative(repository, resolve(repository, dirname(name), path))
      if (!existsSync(join(repository, file))) return true
      return anchor !== undefined && !anchorsOf(file).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  it('has no conflict markers', () => {
    expect(read(name)).not.toMatch(/^(?:<{7}|>{7}) /m)
  })

  it('names files of the repository that are there', () => {
    const paths = [...prose.matchAll(/`(?:npx tsx )?((?:bench|examples|src|test|docs)\/[\w./-]+)/g)]
    const missing = paths.map(([, path = '']) => path).filter((path) => !existsSync(join(repository, path)))
    expect(missing).toEqual([])
  })
})

it('README.md shows the finding of a measurement as it is printed, but for its figures', () => {
  const withoutFigures = (text: string) => text.replace(/(?<![p.\d,])[\d,]*\d/g, '#')
  const [, shown = ''] = /^too-few-samples (.+ #): …$/m.exec(withoutFigures(read('README.md'))) ?? []
  const { validity } = simulate({ arrivals: 100, service: '2ms', stop: { requests: 1500 } })
  const messages = validity.findings.map(({ message }) => withoutFigures(message))
  expect(shown).not.toBe('')
  expect(messages).toEqual([expect.stringContaining(shown)])
})

const reference = docs.filter((name) => name.startsWith('docs/reference/')).map(read)
/** Every word in code of the reference. */
const named = new Set(
  reference.flatMap((text) =>
    [...text.matchAll(/`[^`]+`|^```[\s\S]*?^```$/gm)].flatMap(([code]) => code.match(/\w+/g) ?? []),
  ),
)

/** The names that a module exports. */
function exportsOf(path: string): string[] {
  const text = read(path)
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','))
  const own = [...text.matchAll(/^export (?:function|interface|class|const|type) (\w+)/gm)].map(([, name = '']) => name)
  const others = [...text.matchAll(/^export \* from '(.*)\.js'/gm)].map(([, module]) => `${module}.ts`)
  return [
    ...lists.map((each) => each.trim().replace(/^type /, '')).filter((each) => each !== ''),
    ...own,
    ...others.flatMap((module) => exportsOf(join(dirname(path), module))),
  ]
}

describe('the reference', () => {
  it.each(['src/index.ts', 'src/report/index.ts', 'src/serve/index.ts', 'src/vitest.ts', 'src/vitest-config.ts'])(
    'has every name that %s exports',
    (path) => {
      const names = exportsOf(path)
      expect(names.length).toBeGreaterThan(1)
      expect(names.filter((name) => !named.has(name))).toEqual([])
    },
  )

  it('has every matcher', () => {
    const matchers = [...read('src/vitest.ts').matchAll(/^ {2}(to\w+)[(:]/gm)].map(([, name = '']) => name)
    expect(matchers.length).toBeGreaterThan(3)
    expect(matchers.filter((name) => !named.has(name))).toEqual([])
  })

  it('has every finding, with its meaning and what to do', () => {
    const rows = new Set(
      [...read('docs/reference/findings.md').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, code]) => code),
    )
    expect([...rows].sort()).toEqual(Object.keys(FINDING_EFFECTS).sort())
  })

  it('has every command and its options', async () => {
    const page = read('docs/reference/command-line.md')
    const { stdout } = await throughline('--help')
    const commands = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}(\w+) /gm)]
      .map(([, command = '']) => command)
      .filter((command) => command !== 'help')
    expect(commands.length).toBeGreaterThan(5)
    const missing = []
    for (const command of commands) {
      const help = await throughline(command, '--help')
      const options = [...help.stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = '']) => option)
      missing.push(...[`\`${command} `, ...options].filter((each) => !page.includes(each)))
    }
    expect(missing).toEqual([])
  })

  it('has every option of an HTTP target', () => {
    const [, common = ''] = /interface HttpCommon \{([\s\S]*?)\n\}/.exec(read('src/scenario/http.ts')) ?? []
    const options = [...common.matchAll(/^ {2}(\w+)\??:/gm)].map(([, option = '']) => option)
    expect(options.length).toBeGreaterThan(5)
    const page = read('docs/reference/http-target.md')
    const rows = [...options, 'headers', 'body', 'batch'].filter((option) => !page.includes(`| \`${option}\` |`))
    expect(rows).toEqual([])
  })
})

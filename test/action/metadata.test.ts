import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const repository = resolve(import.meta.dirname, '../..')
const metadata = readFileSync(join(repository, 'action.yml'), 'utf8')
const namesIn = (section: string) => {
  const [, text = ''] = new RegExp(`^${section}:\\n((?: .*\\n|\\n)+)`, 'm').exec(metadata) ?? []
  return [...text.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name = '']) => name)
}

it('the action runs existing scripts, and uses each of its inputs', () => {
  const scripts = [...metadata.matchAll(/node "\$ACTION\/([^"]+)"/g)].map(([, script = '']) => script)
  expect(scripts).toEqual(['action/run.js', 'action/comment.js'])
  expect(scripts.filter((script) => !existsSync(join(repository, script)))).toEqual([])
  const used = new Set([...metadata.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name))
  expect([...used].sort()).toEqual(namesIn('inputs').sort())
})

it('the guide has every input and output of the action', () => {
  const guide = readFileSync(join(repository, 'docs/guides/regression-gate.md'), 'utf8')
  const names = [...namesIn('inputs'), ...namesIn('outputs')]
  expect(names.length).toBeGreaterThan(8)
  expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([])
})

it('inputs reach scripts through the environment only, so that none runs as shell code', () => {
  const commands = [...metadata.matchAll(/^ +run: (.*)$/gm)].map(([, command = '']) => command)
  expect(commands.length).toBe(3)
  expect(commands.filter((command) => command.includes('${{'))).toEqual([])
})

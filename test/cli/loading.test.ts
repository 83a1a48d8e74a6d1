import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'

const built = join(import.meta.dirname, '../../dist')

/** The built modules that a module loads when it is loaded itself, by their paths in `dist`. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(join(built, file), 'utf8')
  for (const [, name = ''] of text.matchAll(/^(?:import|export)\s(?:[\w*{}\s,$]+\sfrom\s)?'(\.[^']+)'/gm)) {
    loadedBy(relative(built, join(built, dirname(file), name)), seen)
  }
  return seen
}

it('the command line loads a command when it runs, and the HTML report when it is written', () => {
  const program = [...loadedBy('cli/program.js')]
  expect(program).toContain('cli/config.js')
  const commands = /^cli\/(simulate|measure|sweep|replicate|capacity|tune|calibrate|check|compare|report)\.js$/
  expect(program.filter((file) => commands.test(file))).toEqual([])
  const simulate = [...loadedBy('cli/simulate.js')]
  expect(simulate).toContain('report/terminal/result-table.js')
  expect(simulate.filter((file) => file.startsWith('report/html/'))).toEqual([])
})

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const built = join(import.meta.dirname, '../../dist')

/** The packages that a built module loads, and the modules that it loads them through. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s(?:[\w*{}\s,$]+\sfrom\s)?'([^']+)'/gm)
  return [...imports].flatMap(([, name = '']) => {
    if (name.startsWith('.')) return packagesOf(join(dirname(file), name), seen)
    return name.startsWith('node:') ? [] : [name]
  })
}

it('a server thread loads no package, as the schemas alone would take longer than the rest of its start', () => {
  expect(packagesOf(join(built, 'measure/run.js'))).toContain('zod')
  expect(packagesOf(join(built, 'measure/servers/server-thread.js'))).toEqual([])
})

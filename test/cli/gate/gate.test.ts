import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { GateReport } from '../../../src/gate/gate-report.js'
import { atLength } from '../../support/at-length.js'
import { SCENARIOS, throughline } from '../../support/processes/command-line.js'
import { IGNORED, makeRepositories, PRICED, readReport, shop, until } from './repository.js'

// One case of each kind. Most run the command in a process of its own; gate.full.test.ts has the others.

const repository = makeRepositories()

describe.concurrent('throughline compare --base-ref', () => {
  it('finds a scenario that is slower than in another commit, and leaves nothing behind', async () => {
    const at = repository(shop(1), { 'cost.js': "export const cost = '1.2ms'\n" })
    const { code, stdout, stderr } = await at.gate('HEAD~1', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(readReport(stdout)).toMatchObject({
      schema: 'throughline/gate@1',
      verdict: 'fail',
      base: { ref: 'HEAD~1', commit: at.git('rev-parse', 'HEAD~1') },
      head: { commit: at.git('rev-parse', 'HEAD'), branch: 'main', changes: 0 },
      scenarios: [
        { name: 'order', file: 'shop.throughline.js', in: 'both', verdict: 'fail', comparison: { verdict: 'slower' } },
      ],
      notes: [],
    })
    // both sides ran their own code
    const { comparison } = readReport(stdout).scenarios[0] as GateReport['scenarios'][number]
    expect(comparison?.base.scenario?.service).toMatchObject({ base: 1 })
    expect(comparison?.head.scenario?.service).toMatchObject({ base: 1.2 })
    expect(at.leftovers()).toEqual([])
  })

  it('links the dependencies of head into base, if the lockfiles are the same', { tags: 'full' }, async () => {
    const at = repository({ ...PRICED, ...IGNORED, 'package-lock.json': '{}' })
    at.install('pricing', "export const cost = '1ms'")
    at.install('@scope/other', '')
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(0)
    expect(readReport(stdout)).toMatchObject({ base: { dependencies: 'linked' } })
    expect(existsSync(join(at.root, 'node_modules/@scope/other/index.js'))).toBe(true)
    expect(at.leftovers()).toEqual([])
  })

  it.each((['SIGINT', 'SIGTERM'] as const).slice(0, atLength(2)))(
    'leaves nothing behind if %s arrives while base is prepared',
    { tags: 'at-length' },
    async (signal) => {
      const at = repository(shop(1))
      const running = join(at.temporary, '../running')
      const { child, ended } = at.start([
        'compare',
        '--base-ref',
        'main',
        '--prepare',
        `echo $$ > ${running}; sleep 60`,
      ])
      await until(() => existsSync(running) && readFileSync(running, 'utf8') !== '')
      child.kill(signal)
      const { code, stdout, stderr } = await ended
      expect({ code, stdout }).toEqual({ code: signal === 'SIGINT' ? 130 : 143, stdout: '' })
      expect(stderr).toMatch(/throughline: interrupted\n$/)
      expect(at.leftovers()).toEqual([])
      const shell = Number(readFileSync(running, 'utf8'))
      expect(() => process.kill(shell, 0)).toThrow('ESRCH')
    },
  )
})

it('throughline compare --base-ref reports a missing repository', async () => {
  process.chdir(tmpdir())
  const { code, stderr } = await throughline('compare', '--base-ref', 'main')
  process.chdir(SCENARIOS)
  expect(code).toBe(2)
  expect(stderr).toMatch(/--base-ref: needs a git repository, but .* is not in one; run it inside the repository\n$/)
})

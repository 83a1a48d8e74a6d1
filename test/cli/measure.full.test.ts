import { once } from 'node:events'
import { expect, it } from 'vitest'
import { checkResult } from '../../src/result/check.js'
import { start } from '../support/processes/command-line.js'

it('reports on SIGTERM what it has, as on Ctrl-C, and exits with 143', async () => {
  const { child, ended } = start('measure', 'measured.ts', '--duration', '60s', '--warmup', '0', '--json')
  await once(child.stderr, 'data')
  child.kill('SIGTERM')
  const { code, signal, stdout } = await ended
  expect({ code, signal }).toEqual({ code: 143, signal: null })
  const { findings } = checkResult(JSON.parse(stdout)).validity
  expect(findings).toContainEqual(expect.objectContaining({ code: 'interrupted', severity: 'error' }))
})

/** Resolves once a process has printed this to stderr. */
const printed = ({ stderr }: ReturnType<typeof start>['child'], text: RegExp) =>
  new Promise<void>((resolve) => {
    let all = ''
    stderr.on('data', (chunk) => {
      all += chunk
      if (text.test(all)) resolve()
    })
  })

it('ends a process on Ctrl-C with its report, and at once on the second', async () => {
  const first = start('measure', 'measured.ts', '--duration', '60s', '--warmup', '0')
  const second = start('measure', '--handler', 'slow.js', '--arrivals', '100/s', '--duration', '60s', '--warmup', '0')
  // a line of progress says that it runs; on a busy machine nothing may have completed by the first one
  await Promise.all([printed(first.child, /p50/), printed(second.child, /./)])
  first.child.kill('SIGINT')
  second.child.kill('SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  second.child.kill('SIGINT')
  const ended = await first.ended
  expect(ended).toMatchObject({ code: 130, signal: null })
  expect(ended.stderr).toMatch(/^\d+ % [\d,]+ of [\d,]+, [\d.,]+\/s, p50 .*s, p99 .*s, \d+ (s|min) left\n/m)
  expect(ended.stdout).toMatch(/interrupted: the run was\s+interrupted/)
  expect(await second.ended).toMatchObject({ code: null, signal: 'SIGINT', stdout: '' })
})

import { once } from 'node:events'
import { expect, it } from 'vitest'
import { checkedResult } from '../../src/result/check.js'
import { start } from '../support/command-line.js'

it('reports on SIGTERM what it has, as on Ctrl-C, and exits with 143', async () => {
  const { child, ended } = start('measure', 'measured.ts', '--duration', '60s', '--warmup', '0', '--json')
  await once(child.stderr, 'data')
  child.kill('SIGTERM')
  const { code, signal, stdout } = await ended
  expect({ code, signal }).toEqual({ code: 143, signal: null })
  const { findings } = checkedResult(JSON.parse(stdout)).validity
  expect(findings).toContainEqual(expect.objectContaining({ code: 'interrupted', severity: 'error' }))
})

it('ends a process on Ctrl-C with its report, and at once on the second', async () => {
  const first = start('measure', 'measured.ts', '--duration', '60s', '--warmup', '0')
  const second = start('measure', '--handler', 'slow.js', '--arrivals', '100/s', '--duration', '60s', '--warmup', '0')
  // the first line of progress says that it runs
  await Promise.all([first, second].map(({ child }) => once(child.stderr, 'data')))
  first.child.kill('SIGINT')
  second.child.kill('SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  second.child.kill('SIGINT')
  const ended = await first.ended
  expect(ended).toMatchObject({ code: 130, signal: null })
  expect(ended.stderr).toMatch(/^\d+ % [\d,]+ of [\d,]+, [\d.,]+\/s, p50 .*s, p99 .*s, \d+ (s|min) left\n/)
  expect(ended.stdout).toMatch(/interrupted: the run was\s+interrupted/)
  expect(await second.ended).toMatchObject({ code: null, signal: 'SIGINT', stdout: '' })
})

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { throughline } from '../support/processes/command-line.js'

describe('throughline sweep', () => {
  it('simulates every combination of its lists', async () => {
    const flags = '--json --max-batch-size 8,none --arrivals 400/s,800/s'
    const { stdout, stderr, code } = await throughline('sweep', 'trade-off.json', ...flags.split(' '))
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    const points: { rate: string; maxBatchSize: number | null; result: { engine: string } }[] = JSON.parse(stdout)
    expect(points.map(({ rate, maxBatchSize, result }) => [rate, maxBatchSize, result.engine])).toEqual([
      ['400/s', 8, 'simulate'],
      ['400/s', null, 'simulate'],
      ['800/s', 8, 'simulate'],
      ['800/s', null, 'simulate'],
    ])
  })

  it('varies any field, and stores simulated points', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'throughline-'))
    const flags = `trade-off.json --json --vary queue.capacity=10,none --vary service.base=5ms,7ms --cache ${cache}`
    const { stdout, stderr, code } = await throughline('sweep', ...flags.split(' '))
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    const points: Record<string, unknown>[] = JSON.parse(stdout)
    expect(points.map((point) => [point['queue.capacity'], point['service.base']])).toEqual([
      [10, '5ms'],
      [10, '7ms'],
      [null, '5ms'],
      [null, '7ms'],
    ])
    expect(readdirSync(cache)).toHaveLength(4)
    rmSync(cache, { recursive: true })
  })

  it('prints a table and a plot', async () => {
    const { stdout, stderr, code } = await throughline('sweep', 'trade-off.json', '--max-batch-size', '1,16')
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toContain('overloaded at 800/s')
    expect(stdout).toContain('○ simulated')
  })

  it('measures with --measure', { tags: 'full' }, async () => {
    const { stdout, stderr, code } = await throughline(
      'sweep',
      'measured.ts',
      '--measure',
      '--servers',
      '1,2',
      '--json',
    )
    // a slow machine may print progress
    expect({ stderr: stderr.replace(/^\d+ % point \d of 2\n/gm, ''), code }).toEqual({ stderr: '', code: 0 })
    const points: { servers: number; result: { engine: string; scenario: unknown } }[] = JSON.parse(stdout)
    expect(points.map(({ servers, result }) => [servers, result.engine])).toEqual([
      [1, 'measure'],
      [2, 'measure'],
    ])
    expect(points[1]?.result.scenario).toMatchObject({ servers: 2, batching: { maxBatchSize: 4 } })
  })
})

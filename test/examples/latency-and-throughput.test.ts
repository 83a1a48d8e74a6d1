import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatWithOptions } from 'node:util'
import { describe, expect, it, vi } from 'vitest'

/** Runs an example in this process, which is faster; returns its output. */
async function run(example: string, ...flags: string[]): Promise<{ stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' }
  const to =
    (stream: keyof typeof printed) =>
    (first: unknown, ...more: unknown[]) => {
      printed[stream] += `${formatWithOptions({ colors: false }, first, ...more)}\n`
    }
  vi.spyOn(console, 'log').mockImplementation(to('stdout'))
  for (const name of ['warn', 'error'] as const) vi.spyOn(console, name).mockImplementation(to('stderr'))
  const { argv } = process
  process.argv = [process.execPath, example, ...flags]
  try {
    await import(`../../examples/${example}.ts`)
    return printed
  } finally {
    process.argv = argv
    vi.restoreAllMocks()
  }
}

/** The cells of the table row with this first cell. */
const row = (text: string, start: string) =>
  text
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/))
    .find(([first]) => first === start)
    ?.slice(1)

describe('the textbook examples', () => {
  it('show ten requests with a mean that is typical of none', async () => {
    const { stdout, stderr } = await run('ten-requests')
    expect(stderr).toBe('')
    expect(row(stdout, 'mean')?.[0]).toBe('390 ms')
    expect(row(stdout, 'p50')?.[0]).toBe('100 ms')
    expect(row(stdout, 'p90')?.[0]).toBe('110 ms')
    expect(row(stdout, 'p91')?.[0]).toBe('3,000 ms')
    expect(stdout).toContain('nearest rank')
  })

  it('show the throughput-latency trade-off: throughput and latency rise together', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'throughline-'))
    const svg = join(folder, 'figure.svg')
    const { stdout, stderr } = await run('trade-off', '--svg', svg)
    expect(stderr).toBe('')
    // the README shows this chart
    expect(await readFile(svg, 'utf8')).toBe(await readFile('docs/images/throughput-latency.svg', 'utf8'))
    await rm(folder, { recursive: true })
    expect(row(stdout, 'one at a time, 10 ms each')).toEqual(['10 ms', '100/s'])
    expect(row(stdout, 'one at a time, 100 ms each')).toEqual(['100 ms', '10/s'])
    expect(row(stdout, 'in batches of 10')).toEqual(['10 ms', '1,000/s'])
    expect(row(stdout, 'in batches of 50')).toEqual(['20 ms', '2,500/s'])
    // one at a time is 1 / 7.75 ms = 129 a second, far from the load; 16 in 11.5 ms are 1,391
    expect(row(stdout, '1')).toEqual(['129', 'simulated', 'overloaded at 800/s'])
    const [capacity, , , , , , meanBatch, utilization] = row(stdout, '16') ?? []
    expect([capacity, meanBatch]).toEqual(['1,390', '16.0'])
    // 800/s in batches of 16 that take 11.5 ms
    expect(Number(utilization)).toBeCloseTo((100 * 800 * 11.5e-3) / 16, 0)
    expect(stdout).toMatch(/batches of\s+16 have the shortest p99/)
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareResults } from '../../src/budget/comparison/compare-results.js'
import { renderComparison } from '../../src/budget/comparison/render-comparison.js'
import { compare } from '../../src/explore/compare.js'
import { readComparison, writeComparison } from '../../src/files/stored.js'
import { affine } from '../../src/scenario/service/service.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { simulate } from '../../src/simulate/simulate.js'

const service = (base: number) => affine({ base, variation: exponential() })
const both = { arrivals: '500/s', stop: { requests: 2000 } }
const comparison = await compare(
  { ...both, base: { service: service(1) }, head: { service: service(1.2) } },
  { rounds: 12 },
)
const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

describe('a comparison reads at eighty columns', () => {
  it('in pairs', async () => {
    const text = renderComparison(comparison)
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('golden/comparison.txt')
  })

  it('when head is overloaded, and fails', async () => {
    const queue = { capacity: 2000 }
    const text = renderComparison(
      await compare(
        { ...both, queue, base: { service: service(1) }, head: { service: service(2.1), queue: { capacity: 20 } } },
        { rounds: 8, of: 'p99' },
      ),
    )
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('golden/comparison-failing.txt')
  })

  it('of stored results', async () => {
    const of = (base: number, requests: number) =>
      simulate({ arrivals: '500/s', service: service(base), stop: { requests } })
    const text = renderComparison(compareResults(of(1, 100_000), of(1, 2000), { of: 'p99' }))
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('golden/comparison-of-results.txt')
  })
})

describe('files hold comparisons', () => {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
  const path = join(folder, 'comparison.json')
  afterAll(() => rmSync(folder, { recursive: true }))
  const held = async (value: unknown) => {
    writeFileSync(path, JSON.stringify(value))
    return readComparison(path)
  }

  it('and are read back unchanged', async () => {
    await writeComparison(path, comparison)
    expect(await readComparison(path)).toEqual(comparison)
  })

  it('and are rejected if they have another version or are inconsistent', async () => {
    await expect(held({ ...comparison, schema: 'throughline/comparison@2' })).rejects.toThrow(
      'must be a comparison with the schema "throughline/comparison@1", got "throughline/comparison@2"',
    )
    await expect(held(null)).rejects.toThrow('must be a comparison')
    await expect(held({ ...comparison, verdict: 'same' })).rejects.toThrow('verdict: must follow from its metrics')
    await expect(held({ ...comparison, pairs: comparison.pairs.slice(0, 5) })).rejects.toThrow(
      "metrics: must have the figures and the verdict 'inconclusive' for mean, as its pairs show",
    )
    const narrow = comparison.metrics.map((metric) => ({ ...metric, interval: { ...metric.interval, low: 1.4 } }))
    await expect(held({ ...comparison, metrics: narrow })).rejects.toThrow(
      "metrics: must have the figures and the verdict 'slower' for mean, as its pairs show",
    )
    await expect(held({ ...comparison, rounds: 1 })).rejects.toThrow('rounds: must be at least 12, the number of pairs')
    // a comparison of rounds that claims to be of two results, and is judged by its own intervals
    const same = comparison.metrics.map((metric) => ({ ...metric, verdict: 'same' }))
    const claimed = { ...comparison, design: 'unpaired', verdict: 'same', metrics: same }
    await expect(held(claimed)).rejects.toThrow("design: must be 'alternating' or 'duet' if there are pairs")
    await expect(held({ ...claimed, pairs: [] })).rejects.toThrow(
      "metrics: must have the verdict 'slower' for mean, as its interval shows",
    )
    await expect(held({ ...comparison, metrics: [] })).rejects.toThrow(
      'metrics: must hold one entry for each of mean, p50',
    )
    await expect(held({ ...comparison, design: 'guessed' })).rejects.toThrow(
      "must be 'alternating', 'duet' or 'unpaired'",
    )
  })
})

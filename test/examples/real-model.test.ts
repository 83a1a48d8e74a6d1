import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frame, SAMPLES } from '../../examples/real-model/frames.ts'
import handler from '../../examples/real-model/handler.ts'

describe('the frames of sound', () => {
  it('are the same for the same seed, and differ between seeds', () => {
    expect(frame(3)).toEqual(frame(3))
    expect(frame(3)).not.toEqual(frame(4))
  })

  it('look like sound: within full scale, around zero, never silent', () => {
    for (let seed = 0; seed < 256; seed++) {
      const samples = frame(seed)
      expect(samples).toHaveLength(SAMPLES)
      expect(Math.max(...samples.map(Math.abs))).toBeLessThan(1)
      expect(Math.max(...samples.map(Math.abs))).toBeGreaterThan(0)
      expect(Math.abs(samples.reduce((sum, sample) => sum + sample, 0) / SAMPLES)).toBeLessThan(0.05)
    }
  })
})

describe('the real model', () => {
  const { setup, input, run, teardown } = handler as Required<typeof handler>
  const { signal } = new AbortController()
  const requests = Array.from({ length: 64 }, (_, index) => input(index))
  let state: Awaited<ReturnType<typeof setup>>
  let alone: number[]

  const answer = async (batch: Float32Array[]) =>
    [...(await run(batch, { state, signal, first() {}, next() {} }))] as number[]

  beforeAll(async () => {
    state = await setup()
    alone = []
    for (const request of requests) alone.push(...(await answer([request])))
  })
  afterAll(() => teardown(state))

  it('returns a probability for each request, and not the same for all', () => {
    expect(alone).toHaveLength(64)
    for (const probability of alone) expect(probability).toSatisfy((p: number) => p > 0 && p < 1)
    expect(Math.max(...alone) - Math.min(...alone)).toBeGreaterThan(0.5)
    expect(new Set(alone).size).toBeGreaterThan(60)
  })

  it('answers a batch of any size as it answers each request alone', async () => {
    for (let size = 1; size <= 64; size++) {
      const together = await answer(requests.slice(0, size))
      expect(together).toHaveLength(size)
      // a float32 holds 24 bits: sums in another order over the network's layers differ by some tens of the last one
      together.forEach((probability, i) => {
        expect(Math.abs(probability - (alone[i] as number))).toBeLessThan(1e-5)
      })
    }
  })

  it('answers a request independently of its place in a batch', async () => {
    const backwards = await answer([...requests].reverse())
    backwards.reverse().forEach((probability, i) => {
      expect(Math.abs(probability - (alone[i] as number))).toBeLessThan(1e-5)
    })
  })

  it('accepts a batch larger than its initial memory', async () => {
    const many = await answer(Array.from({ length: 100 }, (_, index) => input(index)))
    expect(many).toHaveLength(100)
    expect(Math.abs((many[63] as number) - (alone[63] as number))).toBeLessThan(1e-5)
  })
})

describe('the real model on a server thread', () => {
  it('answers every request, and prints nothing on stderr', { tags: 'full' }, async () => {
    const flags =
      '--handler examples/real-model/handler.ts --arrivals 200/s --max-batch-size 16 --duration 800ms --json'
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['dist/cli/main.js', 'measure', ...flags.split(' ')],
      { maxBuffer: 1e8 },
    )
    // except progress, which a slow machine prints
    expect(stderr.replace(/^\d+ % .*\n/gm, '')).toBe('')
    const { counts, batches } = JSON.parse(stdout)
    expect(counts.completed).toBe(counts.offered)
    expect(batches.meanSize).toBeGreaterThanOrEqual(1)
  })
})

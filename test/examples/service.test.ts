import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frame } from '../../examples/real-model/frames.ts'
import model from '../../examples/real-model/handler.ts'
import { decode, encode } from '../../examples/service/pcm.ts'
import { createService, type Service } from '../../examples/service/service.ts'

const frames = Array.from({ length: 40 }, (_, seed) => encode(frame(seed)))

const infer = (url: string, body: unknown, signal: AbortSignal | null = null) =>
  fetch(`${url}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })

/** Waits until something is so, for as long as a test may take. */
async function until(so: () => boolean): Promise<void> {
  while (!so()) await delay(1)
}

const listening = async ({ app }: Service) => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

it('a frame of sound is the same again when it was text, to 16 bits', () => {
  const sent = frame(3)
  const got = decode(encode(sent))
  expect(got).toHaveLength(sent.length)
  sent.forEach((sample, i) => {
    expect(Math.abs((got[i] as number) - sample)).toBeLessThanOrEqual(2 ** -16)
  })
})

describe('the service with the real model', () => {
  let service: Service
  let url: string
  beforeAll(async () => {
    service = await createService()
    url = await listening(service)
  })
  afterAll(() => service.app.close())

  it('answers each request as the bare model does', async () => {
    const answers = await Promise.all(frames.map(async (pcm) => (await (await infer(url, { pcm })).json()).speech))
    const { setup, run, teardown } = model as Required<typeof model>
    const state = await setup()
    const { signal } = new AbortController()
    for (const [i, pcm] of frames.entries()) {
      const [alone] = (await run([decode(pcm)], { state, signal, first() {}, next() {} })) as number[]
      // sums of a batch in another order differ by some tens of a float's last bit
      expect(Math.abs(answers[i] - (alone as number))).toBeLessThan(1e-5)
    }
    await teardown(state)
    expect(Math.max(...answers) - Math.min(...answers)).toBeGreaterThan(0.5)
  })

  it('refuses what is no frame, before it comes to the model', async () => {
    const short = encode(frame(1)).slice(4)
    for (const body of [{}, { pcm: 7 }, { pcm: short }, { pcm: `${short}!!!!` }, []]) {
      const answer = await infer(url, body)
      expect(answer.status).toBe(400)
      expect((await answer.json()).message).toMatch(/body/)
    }
    expect((await infer(url, { pcm: 'A'.repeat(100_000) })).status).toBe(413)
  })

  it('tells Prometheus what it has answered', async () => {
    const answer = await fetch(`${url}/metrics`)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const lines = (await answer.text()).split('\n')
    const samples = new Map<string, number>()
    for (const line of lines.filter((each) => each !== '' && !each.startsWith('#'))) {
      const [, name, value] = /^([a-z_]+\{[^}]*\}) (\S+)$/.exec(line) ?? []
      expect(name, line).toBeDefined()
      samples.set(name as string, Number(value))
    }
    expect(samples.get('throughline_requests_total{name="infer",outcome="completed"}')).toBe(frames.length)
    expect(samples.get('throughline_latency_seconds_count{name="infer"}')).toBe(frames.length)
    expect(samples.get('throughline_latency_seconds_bucket{name="infer",le="+Inf"}')).toBe(frames.length)
    expect(samples.get('throughline_batched_requests_total{name="infer"}')).toBe(frames.length)
    expect(samples.get('throughline_batches_total{name="infer"}')).toBeLessThanOrEqual(frames.length)
    expect(samples.get('throughline_latency_seconds_sum{name="infer"}')).toBeGreaterThan(0)
  })

  it('shows its latency as a page, and is healthy', async () => {
    const page = await fetch(`${url}/latency`)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page.text()).toMatch(/^<!doctype html>[\s\S]*Is somebody speaking\?[\s\S]*p99/i)
    const health = await fetch(`${url}/health`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ready', waiting: 0, inService: 0 }])
  })
})

describe('the service under more than it can take', () => {
  /** A handler that holds its batches until the gate is opened. */
  let open = () => {}
  let gate = Promise.resolve()
  const served: number[] = []
  const shut = () => {
    gate = new Promise((resolve) => {
      open = resolve
    })
  }
  let service: Service
  let url: string
  const pcm = frames[0] as string
  const statuses = (answers: Response[]) => answers.map(({ status }) => status)
  beforeAll(async () => {
    service = await createService({
      handler: async (batch) => {
        await gate
        served.push(batch.length)
        return batch.map(() => 0.5)
      },
      batching: { maxBatchSize: 2, maxWait: 0 },
      queue: { capacity: 4 },
    })
    url = await listening(service)
  })
  afterAll(() => service.app.close())

  it('answers 503 at once, without a catch, while those before wait; and serves again when it can', async () => {
    shut()
    const { batcher } = service
    const first = infer(url, { pcm })
    await until(() => batcher.inService === 1)
    const waiting = Array.from({ length: 4 }, () => infer(url, { pcm }))
    await until(() => batcher.waiting === 4)

    // the server is held, so that these are answered by nobody but the queue
    const rejected = await Promise.all([1, 2, 3].map(() => infer(url, { pcm })))
    expect(statuses(rejected)).toEqual([503, 503, 503])
    for (const answer of rejected) expect(await answer.json()).toMatchObject({ code: 'QUEUE_FULL', statusCode: 503 })
    expect([batcher.inService, batcher.waiting]).toEqual([1, 4])

    open()
    expect(statuses(await Promise.all([first, ...waiting]))).toEqual([200, 200, 200, 200, 200])
    expect(statuses(await Promise.all([1, 2, 3].map(() => infer(url, { pcm }))))).toEqual([200, 200, 200])
    expect(served.reduce((sum, size) => sum + size, 0)).toBe(8)
    expect(batcher.recorder?.totals()).toMatchObject({ offered: 11, completed: 8, rejected: 3, inFlight: 0 })
  })

  it('does not serve who has hung up meanwhile', async () => {
    shut()
    served.length = 0
    const { batcher } = service
    const first = infer(url, { pcm })
    await until(() => batcher.inService === 1)
    const stays = infer(url, { pcm })
    await until(() => batcher.waiting === 1)
    const gone = new AbortController()
    const other = infer(url, { pcm }, gone.signal)
    await until(() => batcher.waiting === 2)
    gone.abort()
    await expect(other).rejects.toThrow()
    await until(() => batcher.waiting === 1)
    open()
    expect(statuses(await Promise.all([first, stays]))).toEqual([200, 200])
    expect(served).toEqual([1, 1])
    expect(batcher.recorder?.totals()).toMatchObject({ aborted: 1, inFlight: 0 })
  })

  it('says that it is not ready when it closes, and then answers nobody', async () => {
    const { app, batcher } = service
    await batcher.close()
    const health = await fetch(`${url}/health`)
    expect([health.status, await health.json()]).toEqual([503, { status: 'not ready', why: 'the batcher is closed' }])
    const late = await infer(url, { pcm })
    expect([late.status, (await late.json()).code]).toEqual([503, 'CLOSED'])
    await app.close()
    await expect(infer(url, { pcm })).rejects.toThrow()
  })
})

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { affine, createRecorder, type Result, simulate, ValidationError } from 'throughline'
import { createReportHandler, type ReportHandlerOptions } from 'throughline/report'
import { afterEach, describe, expect, it } from 'vitest'

const result = simulate({
  arrivals: '800/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxBatchSize: 16 },
  stop: { requests: 5000 },
})
let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(snapshot: () => Result | null | Promise<Result | null>, options?: ReportHandlerOptions) {
  server = createServer(createReportHandler(snapshot, options))
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('the report of a service', () => {
  it('shows the state at the time of the request', async () => {
    let now: Result | null = null
    const url = await serve(() => now, { budget: { max: '10s' }, title: 'Checkout <now>' })
    const empty = await fetch(url)
    expect(empty.status).toBe(200)
    expect(await empty.text()).toContain('Nothing is recorded yet.')
    now = result
    const full = await fetch(url)
    const html = await full.text()
    expect(html).toContain('Checkout &lt;now&gt;')
    expect(html).toContain(`data-value="${result.latencyMs.p99}"`)
    expect(html).toContain('Budget kept')
    expect(html).not.toContain('http-equiv="refresh"')
    expect(full.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(full.headers.get('cache-control')).toBe('no-store')
    expect(full.headers.get('content-security-policy')).toMatch(/^default-src 'none'.*frame-ancestors 'none'$/)
  })

  it('shows what a recorder recorded', async () => {
    let now = 0
    const recorder = createRecorder({ clock: () => now })
    const url = await serve(() => recorder.snapshot())
    expect(await (await fetch(url)).text()).toContain('Nothing is recorded yet.')
    for (let request = 0; request < 200; request++) {
      const start = recorder.start()
      now += 5
      recorder.record(start)
      now += 45
    }
    const html = await (await fetch(url)).text()
    expect(html).toContain('live requests')
    // each took 5 ms
    expect(html).toMatch(/data-k="p50"[^>]* data-v="5(\.0\d*)?"/)
    expect(html.split('<main>')[1]?.split('</main>')[0]).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('checks the budget of a class, and says so if no request has it', async () => {
    let now = 0
    const recorder = createRecorder({ clock: () => now, classes: ['checkout', 'browse'] })
    const checkouts = recorder.class('checkout')
    for (let request = 0; request < 400; request++) {
      const start = checkouts.start()
      now += 5
      checkouts.record(start)
      now += 45
    }
    const kept = await fetch(await serve(() => recorder.snapshot(), { budget: { 'checkout.p90': '10ms' } }))
    expect(await kept.text()).toContain('Budget kept')
    server?.close()
    const misspelt = await fetch(await serve(() => recorder.snapshot(), { budget: { 'chekout.p90': '10ms' } }))
    expect(misspelt.status).toBe(500)
    expect(await misspelt.text()).toContain('which no request has (did you mean &#39;checkout.p90&#39;?)')
  })

  it('reloads itself if refresh is set', async () => {
    const url = await serve(async () => result, { refresh: '5s' })
    expect(await (await fetch(url)).text()).toContain('<meta http-equiv="refresh" content="5">')
  })

  it('responds to HEAD without a body, and allows only GET and HEAD', async () => {
    const url = await serve(() => result)
    const head = await fetch(url, { method: 'HEAD' })
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1000)
    expect(await head.text()).toBe('')
    const post = await fetch(url, { method: 'POST', body: 'x' })
    expect(post.status).toBe(405)
    expect(post.headers.get('allow')).toBe('GET, HEAD')
  })

  it('does not reveal an error, and continues', async () => {
    let fail = true
    const url = await serve(() => {
      if (fail) throw new Error('the password is 7')
      return result
    })
    const failed = await fetch(url)
    expect(failed.status).toBe(500)
    expect(await failed.text()).not.toContain('password')
    fail = false
    expect((await fetch(url)).status).toBe(200)
  })

  it('rejects invalid options', () => {
    expect(() => createReportHandler(result as never)).toThrow(ValidationError)
    expect(() => createReportHandler(() => result, { refresh: '10ms' })).toThrow('at least 1 s')
    expect(() => createReportHandler(() => result, { refersh: '5s' } as never)).toThrow(ValidationError)
    expect(() => createReportHandler(() => result, { budget: { p99: 'x' } })).toThrow(ValidationError)
  })
})

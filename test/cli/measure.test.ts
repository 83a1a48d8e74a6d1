import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { checkResult } from '../../src/result/check.js'
import { interrupted, spawned, throughline } from '../support/processes/command-line.js'

describe('throughline measure', () => {
  it('measures the handler of a scenario, relative to its file', async () => {
    const { stdout, stderr, code } = await throughline('measure', '../scenarios/measured.ts', '--json')
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ schema: 'throughline/result@1', engine: 'measure' })
    expect(result.scenario.handler).toMatch(/scenarios\/handler\.ts$/)
    expect(result.serviceMs.min).toBeGreaterThanOrEqual(0.1)
  })

  it('measures a handler from flags, relative to the working directory', { tags: 'full' }, async () => {
    const flags = '--handler handler.ts --arrivals 500/s --duration 300ms --idle poll --spin 100us'
    const { stdout, stderr, code } = await throughline('measure', ...flags.split(' '))
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toContain('Measured  500/s at random (Poisson)')
    expect(stdout).toContain('1 server: handler.ts')
    expect(stdout).toContain(`Node ${process.versions.node}`)
  })

  it('sends a shard, which merge takes as one', async () => {
    const flags = '--handler handler.js --arrivals 500/s --requests 100'.split(' ')
    const { stdout, code } = await throughline('measure', ...flags, '--shard', '2/5', '--json')
    expect(code).toBe(0)
    const result = checkResult(JSON.parse(stdout))
    expect(result.shard).toMatchObject({ index: 2, count: 5 })
    // of the 100 requests, 10 of them warm-up
    expect(result.counts.offered).toBe(18)
  })

  it.each([
    ['2', "--shard: must be a shard's index and the number of shards, such as 2/5, got '2'"],
    ['-1/5', "--shard: must be a shard's index and the number of shards, such as 2/5, got '-1/5'"],
    ['0/5', '--shard: index: must be a whole number of at least 1'],
    ['6/5', '--shard: index: must be at most the count of shards, got 6'],
    ['1/600', '--shard: count: must be at most 500, the number of requests, got 600'],
  ])('refuses --shard %s', async (shard, said) => {
    const flags = '--handler handler.js --arrivals 500/s --requests 500'.split(' ')
    const { stderr, code } = await throughline('measure', ...flags, `--shard=${shard}`)
    expect(code).toBe(2)
    expect(stderr).toContain(`throughline: ${said}`)
  })

  it('measures an HTTP server instead of the target of a file', { tags: 'full' }, async () => {
    const server = createServer((_, response) => response.end('ok'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`
    const flags = `../scenarios/measured.ts --url ${url} --max-batch-size 1 --arrivals 100/s --duration 300ms`
    const { stdout, stderr, code } = await throughline('measure', ...flags.split(' '))
    server.close()
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toContain(`http GET ${url}`)
  })

  it('sends the method, headers and body of the file to another URL', async () => {
    const seen = new Set<string>()
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      seen.add(`${request.method} ${request.url} ${request.headers['x-kind']} ${body}`)
      response.end('ok')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/other`
    const events = ['--stream', '--good', 'between=1s']
    const { code, stdout } = await throughline('measure', 'http.json', '--url', url, '--duration', '300ms', ...events)
    server.close()
    expect(code).toBe(0)
    // a response of one piece has no gap to judge
    expect(stdout).toContain('goodput is unknown')
    expect([...seen]).toEqual(['PUT /other b {"n":1}'])
  })

  it('measures a closed loop from flags, and keeps the output of the handler off stdout', async () => {
    const flags = '--handler prints.js --clients 3 --think-time 5ms --queue-capacity 2 --duration 300ms --json'
    const { stdout, stderr, code } = await spawned('measure', ...flags.split(' '))
    expect(code).toBe(0)
    expect(JSON.parse(stdout).scenario).toMatchObject({
      arrivals: { process: 'closed', clients: 3 },
      queue: { capacity: 2 },
    })
    expect(stderr).toMatch(/^(a batch\n)+$/)
  })

  it('reports what it has on Ctrl-C, as interrupted', async () => {
    const flags = '--handler handler.js --arrivals 500/s --duration 60s --warmup 0 --json'.split(' ')
    const since = performance.now()
    const { code, stdout, stderr } = await interrupted('measure', ...flags)
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    expect(performance.now() - since).toBeLessThan(30_000)
    const result = checkResult(JSON.parse(stdout))
    expect(result.validity.findings).toContainEqual(
      expect.objectContaining({
        code: 'interrupted',
        severity: 'error',
        message: expect.stringMatching(/^the run was interrupted after/),
      }),
    )
    expect(result.window.endMs).toBeLessThan(60_000)
    expect(result.counts.completed).toBeGreaterThan(0)
    expect(result.counts.unfinished).toBe(0)
  })

  it('has nothing to report on Ctrl-C in the warm-up', { tags: 'full' }, async () => {
    const ended = await interrupted('measure', 'measured.ts', '--duration', '60s', '--warmup', '50s')
    expect(ended).toMatchObject({ code: 130, stdout: '' })
    expect(ended.stderr).toMatch(/^throughline: interrupted.*\n$/)
  })
})

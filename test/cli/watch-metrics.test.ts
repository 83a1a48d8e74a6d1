import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it, vi } from 'vitest'
import { serveLive } from '../../src/cli/machines/live-thread.js'
import { RunWatch } from '../../src/cli/machines/run-watch.js'
import type { Terminal } from '../../src/cli/terminal.js'
import { simulate } from '../../src/simulate/simulate.js'
import { MAIN, SCENARIOS, throughline } from '../support/processes/command-line.js'
import { freePort } from '../support/processes/redis.js'

const FLAGS = '--handler handler.js --arrivals 200/s --duration 60s --warmup 100ms'.split(' ')

describe('throughline measure, with metrics', () => {
  it('reports that those of the finished run could not be pushed', async () => {
    let pushes = 0
    const gateway = createServer((request, response) => {
      request.resume()
      response.writeHead(pushes++ === 0 ? 200 : 503).end('full')
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/metrics/job/test`
    const target = { flag: '--pushgateway', url, headers: {}, resource: {} } as const
    const { port1, port2 } = new MessageChannel()
    const ended = serveLive({ serve: null, targets: [target], name: 'test', channel: port2 })
    port1.postMessage('over')
    expect(await ended).toEqual([{ flag: '--pushgateway', why: 'status 503: full' }])
    expect(pushes).toBe(2)
    port1.close()
    gateway.close()
    gateway.closeAllConnections()
  })

  it('serves them, and pushes them to a gateway and to a collector', async () => {
    const pushed: { what: string; key: unknown; text: string }[] = []
    const gateway = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      pushed.push({ what: `${request.method} ${request.url}`, key: request.headers['api-key'], text })
      response.end()
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const gatewayUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
    const targets = ['--live', '0', '--pushgateway', gatewayUrl, '--otlp', gatewayUrl]
    const child = spawn(process.execPath, [MAIN, 'measure', ...FLAGS, ...targets, '--json'], {
      cwd: SCENARIOS,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=se%20cret', OTEL_RESOURCE_ATTRIBUTES: 'team=a' },
    })
    const printed = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => {
      printed.stdout += String(chunk)
    })
    child.stderr.on('data', (chunk) => {
      printed.stderr += String(chunk)
    })
    const scraped: string[] = []
    const scraping = setInterval(async () => {
      const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed.stderr) ?? []
      if (url === undefined) return
      // the run may be over
      const text = await fetch(`${url}metrics`).then(
        (response) => response.text(),
        () => null,
      )
      if (text !== null) scraped.push(text)
      // before the run, and of the run in progress
      // a second signal would end it without its report
      if (child.killed || pushed.length < 4 || scraped.length === 0) return
      clearInterval(scraping)
      // slow scrapes overlap, and a second signal would end the run without a report
      if (child.killed) return
      child.kill('SIGINT')
    }, 100)
    const code = await new Promise((resolve) => child.on('close', resolve))
    clearInterval(scraping)
    gateway.close()
    gateway.closeAllConnections()
    expect({ code, stderr: printed.stderr }).toEqual({ code: 130, stderr: expect.not.stringContaining('cannot push') })

    const completedIn = (text: string | undefined) =>
      Number(/^throughline_requests_total\{name="measure",outcome="completed"\} (\d+)$/m.exec(text ?? '')?.[1])
    const pushes = [
      { what: 'PUT /metrics/job/throughline', key: undefined, read: completedIn },
      { what: 'POST /v1/metrics', key: 'se cret', read: completedInOtlp },
    ]
    expect(new Set(pushed.map(({ what }) => what))).toEqual(new Set(pushes.map(({ what }) => what)))
    for (const { what, key, read } of pushes) {
      const own = pushed.filter((each) => each.what === what)
      expect(new Set(own.map((each) => each.key))).toEqual(new Set([key]))
      const counted = own.map(({ text }) => read(text))
      expect(counted[0]).toBe(0)
      expect(counted).toEqual([...counted].sort((a, b) => a - b))
      expect(counted.at(-1)).toBe(JSON.parse(printed.stdout).counts.completed)
    }
    expect(scraped.length).toBeGreaterThan(0)
    expect(scraped.map(completedIn).filter(Number.isNaN)).toEqual([])
  }, 60_000)

  it.each([
    ['--pushgateway', 'gateway:9091', 'must be the URL of a Prometheus Pushgateway, such as http://10.0.0.5:9091'],
    ['--otlp', 'collector:4318', 'must be the URL of an OpenTelemetry collector, such as http://10.0.0.5:4318'],
  ])('refuses what is no URL: %s', async (flag, url, message) => {
    const { stderr, code } = await throughline('measure', ...FLAGS, flag, url)
    expect(code).toBe(2)
    expect(stderr).toContain(`${flag}: ${message}`)
  })

  it.each([
    ['--pushgateway', '/metrics/job/throughline'],
    ['--otlp', '/v1/metrics'],
  ])('refuses a URL that takes no metrics, without its password: %s', async (flag, path) => {
    const url = `127.0.0.1:${await freePort()}`
    const { stderr, code } = await throughline('measure', ...FLAGS, flag, `http://user:secret@${url}/`)
    expect(code).toBe(2)
    expect(stderr).toContain(`${flag}: cannot push to http://${url}${path}: connect ECONNREFUSED`)
  })

  it('refuses a collector that rejects metrics, and invalid headers without their value', async () => {
    const answer = JSON.stringify({ partialSuccess: { rejectedDataPoints: '12', errorMessage: 'unknown unit' } })
    const collector = createServer((_, response) => response.end(answer))
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
    const refused = await throughline('measure', ...FLAGS, '--otlp', url)
    expect(refused.stderr).toContain(
      `--otlp: cannot push to ${url}/v1/metrics: 12 data points were rejected: unknown unit`,
    )
    collector.close()
    collector.closeAllConnections()
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'secret')
    const { stderr } = await throughline('measure', ...FLAGS, '--otlp', url)
    vi.unstubAllEnvs()
    expect(stderr).toBe(
      'throughline: OTEL_EXPORTER_OTLP_HEADERS: must be pairs with encoded values, such as api-key=secret,team=a%20b\n',
    )
  })
})

/** The completed requests in what a collector gets; it refuses a resource other than that of the test. */
function completedInOtlp(text: string): number {
  const [{ resource, scopeMetrics }] = JSON.parse(text).resourceMetrics
  expect(resource.attributes).toEqual([
    { key: 'service.name', value: { stringValue: 'throughline' } },
    { key: 'team', value: { stringValue: 'a' } },
  ])
  const { sum } = scopeMetrics[0].metrics.find(({ name }: { name: string }) => name === 'throughline.requests')
  const isCompleted = ({ attributes }: { attributes: { key: string; value: { stringValue: string } }[] }) =>
    attributes.some(({ key, value }) => key === 'outcome' && value.stringValue === 'completed')
  return Number(sum.dataPoints.find(isCompleted).asInt)
}

describe('throughline measure --progress-fd', () => {
  it('refuses a file descriptor that is open for reading only, or of a full disk', async () => {
    for (const [path, flags, fault] of [
      ['/dev/null', 'r', 'EBADF'],
      ['/dev/full', 'w', 'ENOSPC'],
    ] as const) {
      const file = await open(path, flags)
      const { fd } = file
      const { stderr, code } = await throughline('measure', ...FLAGS, '--progress-fd', String(fd))
      await file.close()
      expect(code).toBe(2)
      expect(stderr).toContain(`throughline: --progress-fd: ${fd} cannot be written: ${fault}`)
    }
  })

  it('reports snapshots that could not be written', async () => {
    const file = await open('/dev/null', 'w')
    let said = ''
    const stderr = { write: (text: string) => (said += text) }
    const watch = await RunWatch.start({ stderr } as unknown as Terminal, { progressFd: String(file.fd) })
    await file.close()
    const result = simulate({ arrivals: '100/s', service: '1ms', stop: { requests: 100 } })
    const progress = { ...{ fraction: 0, timeMs: 0, endMs: null, sent: 0, completed: 0 }, failed: 0 }
    watch.update({ ...progress, latencySoFar: () => null, resultSoFar: async () => result })
    await watch.finish(result)
    await watch.close()
    expect(said).toMatch(/^throughline: --progress-fd: snapshots are incomplete: EBADF: bad file descriptor/)
  })
})

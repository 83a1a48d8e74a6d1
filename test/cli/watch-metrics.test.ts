import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { serveLive } from '../../src/cli/machines/live-thread.js'
import { RunWatch } from '../../src/cli/machines/run-watch.js'
import type { Terminal } from '../../src/cli/terminal.js'
import { simulate } from '../../src/simulate/simulate.js'
import { MAIN, SCENARIOS, throughline } from '../support/processes/command-line.js'
import { freePort } from '../support/processes/redis.js'

const FLAGS = '--handler handler.ts --arrivals 200/s --duration 2500ms --warmup 100ms'.split(' ')

describe('throughline measure, with metrics', () => {
  it('reports that those of the finished run could not be pushed', async () => {
    let pushes = 0
    const gateway = createServer((request, response) => {
      request.resume()
      response.writeHead(pushes++ === 0 ? 200 : 503).end('full')
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/metrics/job/test`
    const { port1, port2 } = new MessageChannel()
    const ended = serveLive({ serve: null, push: { url, authorization: null }, name: 'test', channel: port2 })
    port1.postMessage('over')
    expect(await ended).toEqual({ flag: '--pushgateway', why: 'status 503: full' })
    expect(pushes).toBe(2)
    port1.close()
    gateway.close()
    gateway.closeAllConnections()
  })

  it('serves them, and pushes them to a gateway', async () => {
    const pushed: { method: string | undefined; path: string | undefined; text: string }[] = []
    const gateway = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      pushed.push({ method: request.method, path: request.url, text })
      response.end()
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const gatewayUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
    const args = [MAIN, 'measure', ...FLAGS, '--live', '0', '--pushgateway', gatewayUrl, '--json']
    const child = spawn(process.execPath, args, { cwd: SCENARIOS, stdio: ['ignore', 'pipe', 'pipe'] })
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
    }, 100)
    const code = await new Promise((resolve) => child.on('close', resolve))
    clearInterval(scraping)
    gateway.close()
    gateway.closeAllConnections()
    expect({ code, stderr: printed.stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('pushgateway') })

    const completedIn = (text: string | undefined) =>
      Number(/^throughline_requests_total\{name="measure",outcome="completed"\} (\d+)$/m.exec(text ?? '')?.[1])
    expect(pushed.filter(({ method, path }) => method !== 'PUT' || path !== '/metrics/job/throughline')).toEqual([])
    const counted = pushed.map(({ text }) => completedIn(text))
    expect(counted[0]).toBe(0)
    expect(counted).toEqual([...counted].sort((a, b) => a - b))
    expect(counted.at(-1)).toBe(JSON.parse(printed.stdout).counts.completed)
    expect(scraped.length).toBeGreaterThan(0)
    expect(scraped.map(completedIn).filter(Number.isNaN)).toEqual([])
  }, 60_000)

  it('refuses what is no gateway', async () => {
    const { stderr, code } = await throughline('measure', ...FLAGS, '--pushgateway', 'gateway:9091')
    expect(code).toBe(2)
    expect(stderr).toContain('--pushgateway: must be the URL of a Prometheus Pushgateway, such as http://10.0.0.5:9091')
  })

  it('refuses a gateway that takes no metrics, without its password', async () => {
    const url = `127.0.0.1:${await freePort()}`
    const { stderr, code } = await throughline('measure', ...FLAGS, '--pushgateway', `http://user:secret@${url}/`)
    expect(code).toBe(2)
    expect(stderr).toContain(
      `--pushgateway: cannot push to http://${url}/metrics/job/throughline: connect ECONNREFUSED`,
    )
  })
})

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

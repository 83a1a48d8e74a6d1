import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLoopback } from '../../src/cli/machines/loopback.js'
import { RunWatch } from '../../src/cli/machines/run-watch.js'
import type { Terminal } from '../../src/cli/terminal.js'
import { simulate } from '../../src/simulate/simulate.js'
import { MAIN, SCENARIOS, throughline } from '../support/processes/command-line.js'

const TARGET = '--handler handler.js --arrivals 200/s'.split(' ')
const FLAGS = [...TARGET, ...'--duration 300ms --warmup 100ms'.split(' ')]

describe('throughline measure, watched', () => {
  it('serves a live report, and writes snapshots to a file descriptor', async () => {
    const args = [
      MAIN,
      'measure',
      ...TARGET,
      ...'--duration 60s --warmup 100ms'.split(' '),
      '--live',
      '0',
      '--progress-fd',
      '3',
      '--json',
    ]
    const child = spawn(process.execPath, args, { cwd: SCENARIOS, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
    const read = ['', '', '', '']
    for (const fd of [1, 2, 3]) {
      child.stdio[fd]?.on('data', (chunk) => {
        read[fd] += String(chunk)
      })
    }
    const pages: string[] = []
    // neither is this machine, though both may resolve to 127.0.0.1
    const strangers = ['attacker.example', '127.0.0.1.attacker.example']
    const answers: [host: string, status: number | undefined][] = []
    const linesSoFar = () => (read[3] as string).split('\n').length - 1
    const isShown = () => pages.some((page) => page.includes('the run is in progress'))
    const watch = setInterval(async () => {
      // on a busy machine the first snapshot may take seconds
      if (isShown() && linesSoFar() > 1 && answers.length >= strangers.length) {
        clearInterval(watch)
        child.kill('SIGINT')
        return
      }
      const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(read[2] as string) ?? []
      if (url === undefined) return
      try {
        pages.push(await (await fetch(url)).text())
        // fetch sets no host header of its own
        const { request } = await import('node:http')
        for (const host of strangers) {
          request(url, { headers: { host } }, ({ statusCode }) => answers.push([host, statusCode]))
            .on('error', () => {})
            .end()
        }
      } catch {
        // the run is over
      }
    }, 200)
    const code = await new Promise((resolve) => child.on('close', resolve))
    clearInterval(watch)
    // Ctrl-C
    expect({ code, stderr: read[2] }).toEqual({ code: 130, stderr: expect.stringContaining('live report on http://') })
    expect(pages.some((page) => page.includes('Nothing is recorded yet') || page.includes('in-progress'))).toBe(true)
    expect(pages.at(-1)).toContain('<meta http-equiv="refresh" content="2">')
    expect(isShown()).toBe(true)
    expect(answers.filter(([, status]) => status !== 403)).toEqual([])
    expect(new Set(answers.map(([host]) => host))).toEqual(new Set(strangers))

    const lines = (read[3] as string)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.length).toBeGreaterThan(2)
    expect(lines.map(({ final }) => final)).toEqual([...lines.slice(1).map(() => false), true])
    const result = JSON.parse(read[1] as string)
    const { counts, latencyMs, throughput, findings, fraction } = lines.at(-1)
    expect({ counts, throughput, findings, fraction }).toEqual({
      counts: result.counts,
      throughput: result.throughput,
      findings: result.validity.findings,
      fraction: 1,
    })
    expect(latencyMs.p99).toBe(result.latencyMs.p99)
  })

  it('continues the run if a snapshot fails, and says so once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'throughline-watch-'))
    const file = await open(join(folder, 'progress.jsonl'), 'w')
    let said = ''
    const stderr = { write: (text: string) => (said += text) }
    const watch = await RunWatch.start({ stderr } as unknown as Terminal, { progressFd: String(file.fd) })
    const progress = { ...{ fraction: 0, endMs: null, sent: 0, completed: 0, failed: 0 }, latencySoFar: () => null }
    for (const timeMs of [1000, 2000, 3000]) {
      watch.update({ ...progress, timeMs, resultSoFar: () => Promise.reject(new Error('no thread')) })
      await new Promise((resolve) => setImmediate(resolve))
    }
    const result = simulate({ arrivals: '100/s', service: '1ms', stop: { requests: 100 } })
    await watch.finish(result)
    await watch.close()
    expect(said).toBe('throughline: cannot show the run in progress: no thread\n')
    const [line] = (await readFile(join(folder, 'progress.jsonl'), 'utf8')).split('\n')
    expect(JSON.parse(line as string)).toMatchObject({ final: true, counts: result.counts })
    await file.close()
    await rm(folder, { recursive: true })
  })

  it.each([
    ...['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'].map((host) => [host, true] as const),
    ...['127.0.0.1.attacker.example', 'localhost.example', '10.127.0.0', '0.0.0.0', '::', ''].map(
      (host) => [host, false] as const,
    ),
  ])('reports whether only this machine can reach %j: %s', (host, only) => {
    expect(isLoopback(host)).toBe(only)
  })

  it('ends if nobody reads the snapshots', async () => {
    const args = [
      MAIN,
      'measure',
      ...TARGET,
      ...'--duration 300ms --warmup 0ms'.split(' '),
      '--progress-fd',
      '3',
      '--json',
    ]
    const child = spawn(process.execPath, args, { cwd: SCENARIOS, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    child.stdio[3]?.destroy()
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  })

  it.each([
    [
      '--live',
      'nowhere',
      "--live: must be a port of this machine, or an address with a port, such as 8080 or 0.0.0.0:8080, got 'nowhere'",
    ],
    ['--live', '70000', '--live: must be a port of this machine'],
    ['--progress-fd', '1', "--progress-fd: must be the number of a file descriptor from 2 on, got '1'"],
    ['--progress-fd', '999', '--progress-fd: 999 cannot be written: EBADF'],
  ])('refuses %s %s', async (flag, value, said) => {
    const { stderr, code } = await throughline('measure', ...FLAGS, flag, value)
    expect(code).toBe(2)
    expect(stderr).toContain(`throughline: ${said}`)
  })

  it('refuses a port that is in use', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { stderr, code } = await throughline('measure', ...FLAGS, '--live', String(port))
    server.close()
    expect(code).toBe(2)
    expect(stderr).toContain(`throughline: --live: cannot listen on ${port}: listen EADDRINUSE`)
  })
})

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Result } from '../../src/index.js'
import { throughline } from '../support/processes/command-line.js'
import { type Scripted, startServer } from '../support/processes/http-server.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-http-'))
afterAll(() => rmSync(folder, { recursive: true }))
let server: Scripted
beforeEach(async () => {
  server = await startServer((_, response) => response.end('ok'))
})
afterEach(() => server.close())

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const lines = () => server.received.map(({ method, path, body }) => `${method} ${path} ${body}`.trim())

describe('throughline measure --url', () => {
  it('sends the method, headers and body of flags', async () => {
    const body = file('body.json', '{"n":1}')
    const { code, stderr, stdout } = await throughline(
      ...['measure', '--url', `${server.url}/a`, '--method', 'put', '--body', `@${body}`, '--timeout', '2s'],
      ...['--header', 'content-type: application/json', '--header', 'x-list: a', '--header', 'x-list: b'],
      ...['--arrivals', '500/s', '--requests', '20', '--connections', '4', '--json'],
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(new Set(lines())).toEqual(new Set(['PUT /a {"n":1}']))
    expect(server.received).toHaveLength(20)
    expect(server.received[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'x-list': 'a, b' })
    expect(JSON.parse(stdout).scenario).toMatchObject({ http: { timeout: 2000, connections: 4 }, servers: 4 })
  })

  it('changes what flags name, and keeps the method, headers and body of the file', async () => {
    const flags = ['--url', `${server.url}/other`, '--header', 'x-more: 1', '--duration', '300ms']
    const { code } = await throughline('measure', 'http.json', ...flags)
    expect(code).toBe(0)
    expect(new Set(lines())).toEqual(new Set(['PUT /other {"n":1}']))
    expect(server.received[0]?.headers).toMatchObject({ 'x-kind': 'b', 'x-more': '1' })
  })

  it('sends the requests of a file', async () => {
    const requests = file('requests.csv', 'method,path,class\nGET,/a,x\nDELETE,/b,y\n')
    const flags = ['--arrivals', '100/s', '--process', 'constant', '--duration', '200ms', '--warmup', '0']
    const { code, stderr } = await throughline('measure', '--url', server.url, '--requests', requests, ...flags)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines().sort()).toEqual([...new Array(10).fill('DELETE /b'), ...new Array(10).fill('GET /a')])
  })

  it('replays an access log with its requests, sorted, faster', async () => {
    const log = [
      { at: '2026-03-01T12:00:05Z', path: '/c' },
      { at: '2026-03-01T13:00:00+01:00', path: '/a' },
      { at: '2026-03-01T12:00:01.5Z', path: '/b', method: 'POST', body: { n: 1 } },
    ]
    const trace = file('log.jsonl', log.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const flags = ['--trace', trace, '--trace-field', 'at', '--speed', '100', '--warmup', '0', '--json']
    const unsorted = await throughline('measure', '--url', server.url, ...flags)
    expect(unsorted.code).toBe(2)
    expect(unsorted.stderr).toContain('log.jsonl:2: must not be earlier than the time before it')
    const { code, stderr, stdout } = await throughline('measure', '--url', server.url, ...flags, '--trace-sort')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines()).toEqual(['GET /a', 'POST /b {"n":1}', 'GET /c'])
    expect(JSON.parse(stdout).scenario.arrivals).toEqual({ process: 'replay', timestamps: [0, 1500, 5000], speed: 100 })
  })

  it('ramps in stages', async () => {
    const flags = ['--stages', '100:100ms,200/s:100ms', '--warmup', '0', '--json']
    const { code, stdout } = await throughline('measure', '--url', server.url, ...flags)
    expect(code).toBe(0)
    const { scenario, stages, counts } = JSON.parse(stdout) as Result
    expect(scenario?.arrivals).toEqual({
      process: 'stages',
      stages: [
        { rate: 100, duration: 100 },
        { rate: 200, duration: 100 },
      ],
    })
    expect(stages?.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [0, 100],
      [100, 200],
    ])
    expect(stages?.reduce((sum, stage) => sum + stage.counts.offered, 0)).toBe(counts.offered)
  })

  it.each<[string, string, number, RegExp]>([
    ['/a', 'p50=10s', 0, /pass/],
    ['/b', 'p50=1us', 1, /fail/],
  ])('checks %s against the budget %s, and writes the report', async (path, budget, exit, verdict) => {
    const output = join(folder, 'report.html')
    const flags = ['--arrivals', '20/s', '--requests', '20', '--budget', budget, '--output', output]
    const { code, stdout } = await throughline('measure', '--url', server.url + path, ...flags)
    expect(code).toBe(exit)
    expect(stdout).toMatch(verdict)
    expect(readFileSync(output, 'utf8')).toContain('<html')
    const junit = join(folder, 'junit.xml')
    await throughline('measure', '--url', server.url + path, ...flags.slice(0, 6), '--output', junit)
    expect(readFileSync(junit, 'utf8')).toContain('<testsuite')
  })

  it.each([
    [['--method', 'PUT'], '--url: is required with HTTP options'],
    [
      ['--url', 'http://127.0.0.1:1', '--header', 'accept'],
      "--header: must be 'name: value', got a string of 6 characters without a name and a colon",
    ],
    [
      ['--url', 'http://127.0.0.1:1', '--arrivals', '9/s', '--header', 'authorization: a\u0007'],
      '--header: must have no line breaks, other control characters or characters beyond Latin-1 in the value of "authorization"\n',
    ],
    [
      ['--url', 'http://127.0.0.1:1', '--arrivals', '9/s', '--header', 'a b: c'],
      '--header: must have names of headers, such as \'content-type\', but has "a b"',
    ],
    [
      ['--url', 'http://127.0.0.1:1', '--arrivals', '9/s', '--agents', '2', '--redis', 'nowhere'],
      '--redis: must be the URL of a Redis',
    ],
    [['--url', 'http://127.0.0.1:1', '--body', '@nowhere'], 'nowhere: does not exist'],
    [['--url', 'http://127.0.0.1:1', '--stages', '10s'], '--stages: must be a list of rate:duration'],
    [['--url', 'http://127.0.0.1:1', '--speed', '2'], '--speed: applies to --trace only'],
    [['--url', 'http://127.0.0.1:1', '--output', 'x.pdf'], 'x.pdf: must have one of these extensions'],
    [['--url', 'http://127.0.0.1:1', '--output', 'x.xml'], '--output: must have another extension'],
    [['--url', 'http://127.0.0.1:1', '--requests', '5', '--duration', '1s'], 'cannot be used with option'],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await throughline('measure', ...flags)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

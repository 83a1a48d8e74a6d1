import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'

const SCRIPT = resolve(import.meta.dirname, '../../action/comment.js')
const MARKER = '<!-- throughline: gate -->'

const folder = mkdtempSync(join(tmpdir(), 'throughline-comment-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

interface ApiRequest {
  method: string
  path: string
  body: { body?: string } | null
  authorization: string | undefined
}
interface ApiResponse {
  status?: number
  headers?: Record<string, string>
  json?: unknown
}

/** Requests to the scripted API of GitHub, and its responses; `null` cuts the connection. */
let requests: ApiRequest[] = []
let respond: (request: ApiRequest, times: number) => ApiResponse | null
let server: Server
let address: string

beforeEach(async () => {
  requests = []
  server = createServer(async (request, response) => {
    const each = await readRequest(request)
    requests.push(each)
    const times = requests.filter(({ method, path }) => method === each.method && path === each.path).length
    const scripted = respond(each, times)
    if (scripted === null) return void request.socket.destroy()
    const { status = 200, headers = {}, json = {} } = scripted
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function readRequest(request: IncomingMessage): Promise<ApiRequest> {
  let text = ''
  for await (const chunk of request) text += chunk
  const { method = '', url: path = '', headers } = request
  return { method, path, body: text === '' ? null : JSON.parse(text), authorization: headers.authorization }
}

const REPORT = '### ✅ Not slower than main\n'
const pull = () => file('pull.json', JSON.stringify({ pull_request: { number: 7 } }))

/** Runs the script as in a job. */
function comment(given: { event?: string; report?: string } = {}) {
  const { event = pull(), report = REPORT } = given
  const env = {
    PATH: process.env.PATH,
    GITHUB_API_URL: address,
    GITHUB_REPOSITORY: 'shop/api',
    GITHUB_EVENT_PATH: event,
    GITHUB_TOKEN: 'secret',
    GITHUB_SERVER_URL: 'https://github.example',
    GITHUB_RUN_ID: '99',
  }
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [SCRIPT, file('gate.md', report)], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}
const requestLines = () => requests.map(({ method, path }) => `${method} ${path}`)
const LIST = '/repos/shop/api/issues/7/comments?per_page=100&page='
const others = (count: number) => Array.from({ length: count }, (_, id) => ({ id, body: `> ${MARKER} quoted` }))

describe('the comment of the action', () => {
  it('is created if there is none', async () => {
    respond = ({ method }) => (method === 'GET' ? { json: others(2) } : { status: 201 })
    expect(await comment()).toEqual({ code: 0, stdout: 'Commented on #7.\n', stderr: '' })
    expect(requestLines()).toEqual([`GET ${LIST}1`, 'POST /repos/shop/api/issues/7/comments'])
    expect(requests[1]?.authorization).toBe('Bearer secret')
    expect(requests[1]?.body?.body).toBe(
      `${MARKER}\n${REPORT}\n[The job](https://github.example/shop/api/actions/runs/99) has the full report.\n`,
    )
  })

  it('is found by its marker on any page, and updated', async () => {
    respond = ({ path }) => {
      if (path.endsWith('page=1') || path.endsWith('page=2')) return { json: others(100) }
      return path.endsWith('page=3') ? { json: [...others(3), { id: 42, body: `${MARKER}\nold` }] } : {}
    }
    expect(await comment()).toMatchObject({ code: 0, stdout: 'The comment on #7 is updated.\n' })
    expect(requestLines()).toEqual([
      `GET ${LIST}1`,
      `GET ${LIST}2`,
      `GET ${LIST}3`,
      'PATCH /repos/shop/api/issues/comments/42',
    ])
  })

  it('is not updated if the text is the same', { tags: 'full' }, async () => {
    const body = `${MARKER}\n${REPORT}\n[The job](https://github.example/shop/api/actions/runs/99) has the full report.\n`
    respond = () => ({ json: [{ id: 42, body }] })
    expect(await comment()).toMatchObject({ code: 0, stdout: 'The comment on #7 is up to date.\n' })
    expect(requestLines()).toEqual([`GET ${LIST}1`])
  })

  it('is created if the old one belongs to another user', { tags: 'full' }, async () => {
    respond = ({ method }) =>
      method === 'GET' ? { json: [{ id: 42, body: MARKER }] } : method === 'PATCH' ? { status: 403 } : { status: 201 }
    expect(await comment()).toMatchObject({ code: 0, stdout: 'Commented on #7.\n' })
  })

  it('omits folded sections if it is too long', { tags: 'full' }, async () => {
    respond = ({ method }) => (method === 'GET' ? { json: [] } : { status: 201 })
    const report = `${REPORT}\n<details><summary>a</summary>\n${'x'.repeat(70_000)}\n</details>\n\nthe end\n`
    await comment({ report })
    const { body = '' } = requests[1]?.body ?? {}
    expect(body).toMatch(/Not slower than main[\s\S]*the end[\s\S]*too long for a comment/)
    expect(body).not.toMatch(/xxx/)
    await comment({ report: 'y'.repeat(200_000) })
    expect(requests.at(-1)?.body?.body?.length).toBeLessThan(65_536)
  })
})

describe('a failure to comment never fails the job', () => {
  it('a fork, whose token may only read', async () => {
    respond = ({ method }) =>
      method === 'GET' ? { json: [] } : { status: 403, json: { message: 'Resource not accessible by integration' } }
    const { code, stdout } = await comment()
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^::notice .*No comment: this job may not write .* Resource not accessible by integration \(403\)\n$/,
    )
    expect(requests).toHaveLength(2)
  })

  it('an event without a pull request', async () => {
    respond = () => ({})
    const { code, stdout } = await comment({ event: file('push.json', '{ "before": "abc" }') })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'This job has no pull request: the report is only in the summary.\n',
    })
    expect(requests).toEqual([])
  })

  it('an API that fails, after a few attempts', { tags: 'full' }, async () => {
    respond = () => ({ status: 502, json: 'bad gateway' })
    const { code, stdout } = await comment()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^::warning .*No comment, but the report is in the summary\. .*\(502\)\n$/)
    expect(requests).toHaveLength(3)
  })

  it('an API that fails at first, or cuts the connection, or limits the rate', { tags: 'full' }, async () => {
    respond = ({ method }, times) => {
      if (method === 'GET') return times === 1 ? { status: 500 } : times === 2 ? null : { json: [] }
      return times === 1 ? { status: 403, headers: { 'retry-after': '0' } } : { status: 201 }
    }
    expect(await comment()).toMatchObject({ code: 0, stdout: 'Commented on #7.\n' })
    expect(requests).toHaveLength(5)
  })

  it('an API that cannot be reached', { tags: 'full' }, async () => {
    respond = () => null
    expect(await comment()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^::warning .*No comment, but.*\(no response\)\n$/),
    })
  })
})

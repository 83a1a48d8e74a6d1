import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compareResults } from '../../src/budget/comparison/compare-results.js'
import { measure } from '../../src/measure/measure.js'
import { prepareRequests, type RequestSource } from '../../src/measure/servers/http/requests.js'
import { renderResult } from '../../src/report/terminal/result-table.js'
import { checkResult } from '../../src/result/check.js'
import type { Result } from '../../src/result/result.js'
import { constant } from '../../src/scenario/arrivals/arrivals.js'
import { type HttpTarget, httpSchema, type ResolvedHttp } from '../../src/scenario/http.js'
import { ValidationError } from '../../src/validation/validation-error.js'
import { expectToAddUp } from '../support/expect/adds-up.js'
import { type Scripted, startServer } from '../support/processes/http-server.js'

let folder: string
let server: Scripted
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-requests-'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  server = await startServer((_, response) => response.end('ok'))
})
afterEach(() => server.close())

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const run = (http: Partial<HttpTarget>, requests = 8) =>
  measure({
    arrivals: constant('1000/s'),
    stop: { requests },
    warmup: { requests: 0 },
    http: { url: server.url, ...http } as HttpTarget,
  })

/** What the server received, in order of arrival: requests may overtake each other. */
const lines = () => server.received.map(({ method, path, body }) => `${method} ${path}${body && ` ${body}`}`).sort()

/** The first requests of a target, without sending them. */
async function made(http: object, count = 4) {
  const target = httpSchema.parse({ url: 'http://h.example/base', ...http }) as ResolvedHttp
  const source = (await prepareRequests(target, 1)) as RequestSource
  return Array.from({ length: count }, (_, i) => {
    const { origin, path, method, headers, body } = source.of(i)
    return { line: `${method} ${origin}${path}`, headers, body }
  })
}
const linesOf = async (http: object, count?: number) => (await made(http, count)).map(({ line }) => line)

describe('http.requests', () => {
  it('sends the requests of a list in turn, each as often as its weight', async () => {
    const result = await run({
      headers: { accept: 'text/plain' },
      requests: [
        { path: '/a', weight: 3 },
        { method: 'post', path: '/b', body: { n: 1 }, headers: { 'X-Kind': 'b' } },
      ],
    })
    expectToAddUp(result)
    expect(lines()).toEqual([...new Array(6).fill('GET /a'), ...new Array(2).fill('POST /b {"n":1}')])
    const post = server.received.find(({ method }) => method === 'POST')
    expect(post?.headers).toMatchObject({ accept: 'text/plain', 'x-kind': 'b', 'content-type': 'application/json' })
    expect(result.scenario?.http?.requests).toMatchObject([{ path: '/a', weight: 3 }, { method: 'POST' }])
    expect(renderResult(result)).toMatch(/, 2\s+kinds\s+of\s+requests/)
  })

  it('sends what a function of the index returns', async () => {
    const result = await run({ requests: (index) => ({ path: `/item/${index}`, body: `n${index}` }) }, 4)
    expect(lines()).toEqual([0, 1, 2, 3].map((i) => `POST /item/${i} n${i}`))
    expect(result.scenario?.http?.requests).toEqual({ function: 'requests', rerunnable: false })
  })

  it('resolves the path that a function returns as a URL does', async () => {
    const base = 'http://h.example/base'
    const path = fc.string({ unit: fc.constantFrom(...'//..ab1_~-?=&+,:;@%# \\é'), maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(path, async (path) => {
        fc.pre(URL.canParse(path, base))
        const { origin, pathname, search } = new URL(path, base)
        fc.pre(origin === 'http://h.example')
        expect(await linesOf({ requests: () => ({ path }) }, 1)).toEqual([`GET ${origin}${pathname}${search}`])
      }),
      { numRuns: 300, seed: 5 },
    )
    expect(await linesOf({ requests: () => ({ path: '/a.b/c-d~e_f/?q=1&r=x,y:z;@/' }) }, 1)).toEqual([
      'GET http://h.example/a.b/c-d~e_f/?q=1&r=x,y:z;@/',
    ])
  })

  it('counts a request that its function cannot make as failed, and sends the others', async () => {
    const result = await run({ requests: (index) => (index % 2 ? ({ path: 7 } as never) : { path: '/x' }) })
    expect(result.counts).toMatchObject({ completed: 4, failed: 4 })
    expect(JSON.stringify(result.validity.findings)).toContain('requests returned a request whose path is invalid: 7')
  })

  it('reads them from a file of CSV, with a byte order mark and mixed line ends', async () => {
    const path = await file('a.csv', '\uFEFFmethod;path;headers.x-a;body;weight\r\n;/a;1;;2\nPUT;/b;;"x ""y"";";1\r')
    await run({ requests: path }, 3)
    expect(lines()).toEqual(['GET /a', 'GET /a', 'PUT /b x "y";'])
    expect(server.received.map(({ headers }) => headers['x-a']).sort()).toEqual(['1', '1', undefined])
  })

  it('reads them from JSON lines, by a file URL', async () => {
    const path = await file(
      'a.jsonl',
      '{"path":"/a","body":{"n":1},"status":200}\n\n{"url":"http://other.example/b"}\r\n',
    )
    expect(await linesOf({ requests: pathToFileURL(path) })).toEqual([
      'POST http://h.example/a',
      'GET http://other.example/b',
      'POST http://h.example/a',
      'GET http://other.example/b',
    ])
  })

  it('sends requests to several servers, and credentials only to that of the target', async () => {
    const other = await startServer((_, response) => response.end())
    await run({ url: server.url.replace('//', '//me:hush@'), requests: [{ path: '/a' }, { url: `${other.url}/b` }] }, 4)
    await other.close()
    expect(server.received.map(({ path, headers }) => [path, headers.authorization !== undefined])).toEqual([
      ['/a', true],
      ['/a', true],
    ])
    expect(other.received.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/b', undefined],
      ['/b', undefined],
    ])
  })

  it('draws them with the seed, the same for the same seed', async () => {
    const requests = [{ path: '/a' }, { path: '/b', weight: 0.5 }]
    const drawn = await linesOf({ requests, order: 'random' }, 50)
    expect(await linesOf({ requests, order: 'random' }, 50)).toEqual(drawn)
    expect(new Set(drawn).size).toBe(2)
  })

  it('reports the requests of each class, those that the server rejected too', async () => {
    await server.close()
    server = await startServer(({ url }, response) => {
      if (url === '/b') response.statusCode = 503
      if (url === '/c') response.statusCode = 500
      response.end('body')
    })
    const requests = [
      { path: '/a', class: 'browse', weight: 5 },
      { path: '/b', class: 'checkout', weight: 2 },
      { path: '/c', class: 'checkout' },
    ]
    const result = await run({ url: server.url, requests, statuses: { rejected: [503] } }, 16)
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ offered: 16, completed: 10, rejected: 4, failed: 2 })
    expect(result.failures).toEqual({ 'status 500': 2 })
    const { browse, checkout } = result.classes ?? {}
    expect(browse?.counts).toMatchObject({ offered: 10, completed: 10, rejected: 0, failed: 0 })
    expect(checkout?.counts).toMatchObject({ offered: 6, completed: 0, rejected: 4, failed: 2 })
    expect(checkout?.latencyMs).toBeNull()
    expect(browse?.firstMs?.count).toBe(10)
    expect(checkout).not.toHaveProperty('firstMs')
    expect(checkResult(JSON.parse(JSON.stringify(result)))).toMatchObject({
      classes: { checkout: { latencyMs: null } },
    })
  })

  it('sends the requests of a shard, each of its class', async () => {
    const requests = [
      { path: '/a', class: 'a' },
      { path: '/b', class: 'b' },
      { path: '/c', class: 'c' },
    ]
    const whole = await made({ requests }, 9)
    const sent: string[] = []
    for (const index of [1, 2]) {
      const result = await measure(
        {
          arrivals: constant('1000/s'),
          ...{ stop: { requests: 9 }, warmup: { requests: 0 } },
          http: { url: server.url, requests },
        },
        { shard: { index, count: 2 } },
      )
      sent.push(...lines())
      const perClass = Object.entries(result.classes ?? {}).map(([name, { counts }]) => [
        `GET /${name}`,
        counts.offered,
      ])
      expect(perClass).toEqual(
        ['GET /a', 'GET /b', 'GET /c'].map((line) => [line, lines().filter((each) => each === line).length]),
      )
      server.received.length = 0
    }
    expect(sent.sort()).toEqual(whole.map(({ line }) => line.replace(/http:\/\/[^/]*/, '')).sort())
  })

  const throws = () => {
    throw Object.assign(new Error('no such user'), { kind: 'no user' })
  }
  it.each([
    ['throws, without classes', throws, undefined, 'no user', undefined],
    ['throws, with classes', throws, ['a'], 'no user', ['a', 'other']],
    ['has no such class', () => ({ path: '/', class: 'b' }), ['a'], 'TypeError', ['a', 'other']],
    ['throws, and other is a class', throws, ['other', 'a'], 'no user', ['other', 'a']],
  ])('fails the request of a function that %s', async (_, third, classes, kind, names) => {
    const requests = (index: number) => (index === 3 ? third() : { path: '/', ...(classes && { class: 'a' }) })
    const result = await run({ requests, classes }, 8)
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ completed: 7, failed: 1 })
    expect(result.failures).toEqual({ [kind]: 1 })
    expect(result.classes && Object.keys(result.classes)).toEqual(names)
    expect(result.classes?.other?.counts.failed).toBe(names && 1)
    expect(server.received).toHaveLength(7)
    expect(() => checkResult(JSON.parse(JSON.stringify(result)))).not.toThrow()
  })

  it('leaves out the class of requests without one, if there are none', async () => {
    const result = await run({ requests: () => ({ path: '/', class: 'a' }), classes: ['a'] }, 4)
    expect(Object.keys(result.classes ?? {})).toEqual(['a'])
    const without = await run({ requests: (i: number) => (i === 2 ? {} : { class: 'a' }), classes: ['a'] }, 4)
    expect(without.classes?.other?.counts).toMatchObject({ offered: 1, completed: 1 })
  })

  it('refuses classes of the scenario too, and a budget on a class that no request has', async () => {
    const http = { url: server.url, requests: [{ path: '/a', class: 'a' }] }
    const common = { arrivals: '100/s', http }
    await expect(measure({ ...common, classes: { b: {} }, stop: { requests: 4 } })).rejects.toThrow(
      'classes: must be omitted: http.requests give the class of each request',
    )
    await expect(measure({ ...common, stop: { budget: { 'b.p99': '1s' }, atMost: '10s' } })).rejects.toThrow(
      "stop.budget.b.p99: limits the class 'b', which no request has",
    )
    expect(server.received).toEqual([])
  })

  it('knows the class of each', async () => {
    const target = httpSchema.parse({
      url: 'http://h.example',
      requests: [{ class: 'browse', weight: 2 }, { class: 'checkout' }, { path: '/x' }],
    }) as ResolvedHttp
    const source = await prepareRequests(target, 1)
    const { names, classOf } = source?.classes ?? { names: [], classOf: () => -1 }
    const classes = [0, 1, 2, 3].map((i) => names[classOf(i)])
    expect(classes.sort()).toEqual(['browse', 'browse', 'checkout', 'other'])
  })
})

it('accepts a URL with escapes in braces that are not UTF-8', () => {
  const url = 'http://h.example/%7B%80%7D'
  expect(httpSchema.parse({ url }).url).toBe(url)
})

describe('http.data', () => {
  const rows = [
    { id: 7, name: 'Ann Lee' },
    { id: 8, name: 'x/y' },
  ]

  it('fills in the URL, headers and body of the target', async () => {
    const http = {
      url: 'http://h.example/users/{id}?name={name}',
      headers: { 'x-name': 'is {name}' },
      body: { id: '{id}', text: 'user {id}' },
      data: rows,
    }
    expect(await made(http, 2)).toEqual([
      {
        line: 'POST http://h.example/users/7?name=Ann%20Lee',
        headers: { 'x-name': 'is Ann Lee', 'content-type': 'application/json' },
        body: '{"id":7,"text":"user 7"}',
      },
      {
        line: 'POST http://h.example/users/8?name=x%2Fy',
        headers: { 'x-name': 'is x/y', 'content-type': 'application/json' },
        body: '{"id":8,"text":"user 8"}',
      },
    ])
  })

  it('fills in requests, each of which takes the rows in turn', async () => {
    const requests = [{ path: '/users/{id}' }, { path: '/names/{name}', body: 'text {"a":{id}}' }]
    expect(await linesOf({ requests, data: rows })).toEqual([
      'GET http://h.example/users/7',
      'POST http://h.example/names/Ann%20Lee',
      'GET http://h.example/users/8',
      'POST http://h.example/names/x%2Fy',
    ])
  })

  it('fills in the target from the columns of the file of requests', async () => {
    const path = await file('users.csv', 'id,class\n7,a\n8,b\n')
    expect(await linesOf({ url: 'http://h.example/users/{id}', requests: path }, 2)).toEqual([
      'GET http://h.example/users/7',
      'GET http://h.example/users/8',
    ])
  })

  it('holds whole URLs', async () => {
    const data = [{ url: 'http://a.example/x' }, { url: '/y' }]
    expect(await linesOf({ requests: [{ url: '{url}' }], data }, 2)).toEqual([
      'GET http://a.example/x',
      'GET http://h.example/y',
    ])
  })
})

describe('before any request is sent', () => {
  const data = [{ id: 7 }, { id: '' }]
  it.each<[string, object, string | Record<string, string>, string | null, RegExp]>([
    ['an empty list', { requests: [] }, '', 'http.requests', /must hold at least one request/],
    ['another type', { requests: 7 }, '', 'http.requests', /must be a list of requests.*got 7/],
    ['an unknown field', { requests: [{ pth: '/' }] }, '', 'http.requests.0', /'pth' is not an option here/],
    ['a path and a URL', { requests: [{ path: '/', url: 'http://a' }] }, '', 'http.requests.0.url', /with path/],
    ['an invalid weight', { requests: [{}, { weight: 0 }] }, '', 'http.requests.1.weight', /a number above 0/],
    ['a body for GET', { method: 'GET', body: 'x' }, '', 'http.body', /GET and HEAD requests have no body/],
    ['a body for GET in a row', { requests: [{ method: 'HEAD', body: 'x' }] }, '', 'http.requests.0.body', /no body/],
    [
      'part of a weight in turn',
      { requests: [{ weight: 0.5 }] },
      '',
      'http.requests',
      /whole numbers.*order: 'random'/,
    ],
    [
      'a huge cycle',
      { requests: [{ weight: 999_999 }, { weight: 999_998 }] },
      '',
      'http.requests',
      /a cycle of 1,999,997/,
    ],
    ['a path of another server', { requests: [{ path: '//a.example/' }] }, '', 'http.requests.0.path', /use url for/],
    ['an invalid URL', { requests: [{}, { url: 'http://:1' }] }, '', 'http.requests.1.url', /must make a URL/],
    ['another protocol', { requests: [{ url: 'ftp://a' }] }, '', 'http.requests.0.url', /http or https URL/],
    [
      'an invalid header',
      { headers: { a: 'x\ny' } },
      '',
      'http.headers',
      /^http.headers: must have no line breaks.* in the value of "a"$/,
    ],
    [
      'an invalid header of a request',
      { requests: [{ headers: { a: 'x\ny' } }] },
      '',
      'http.requests.0.headers',
      /no line breaks.* in the value of "a"$/,
    ],
    ['a function of headers', { headers: () => ({}), requests: [{}] }, '', 'http.headers', /must not be a function/],
    ['batches', { batch: true, requests: [{}] }, '', 'http.requests', /cannot be combined with batch/],
    ['an order of nothing', { order: 'random' }, '', 'http.order', /applies to a list/],
    ['no data', { url: 'http://h.example/{id}' }, '', 'http.url', /\{id\}, but there is no data.*set http.data/],
    [
      'no data for a list',
      { requests: [{ path: '/{id}' }] },
      '',
      'http.requests.0.path',
      /\{id\}, but there is no data/,
    ],
    [
      'a missing column',
      { requests: [{ path: '/{idd}' }], data },
      '',
      'http.requests.0.path',
      /http.data.0 has no column 'idd' \(did you mean \{id\}\?\)/,
    ],
    [
      'an empty column',
      { requests: [{ path: '/{id}' }], data },
      '',
      'http.data.1 in http.requests.0.path',
      /the column 'id' is empty/,
    ],
    [
      'a row with an invalid URL',
      { requests: [{ url: '{u}' }], data: [{ u: '/a' }, { u: 'http://:' }] },
      '',
      'http.data.1 in http.requests.0.url',
      /must make a URL, got "http:\/\/:"/,
    ],
    [
      'a row with an invalid header',
      { headers: { a: '{u}' }, data: [{ u: 'x\ny' }] },
      '',
      'http.data.0 in http.headers',
      /no line breaks.* in the value of "a"$/,
    ],
    [
      'a placeholder in the host',
      { requests: [{ url: 'http://{id}.example/' }], data: [{ id: 1 }] },
      '',
      'http.requests.0.url',
      /must not have a placeholder in the host/,
    ],
    [
      'an unpaired surrogate',
      { requests: [{ path: '/{id}' }], data: [{ id: '\ud800' }] },
      '',
      'http.data.0 in http.requests.0',
      /unpaired surrogate/,
    ],
    ['a file that does not exist', { requests: 'nowhere.csv' }, '', 'nowhere.csv', /does not exist/],
    ['an empty file', {}, { 'e.csv': '' }, 'e.csv', /holds no rows/],
    ['a file without rows', {}, { 'e.csv': 'path,body\n' }, 'e.csv', /holds no rows/],
    [
      'a file without a known column',
      {},
      { 'e.csv': 'a,b\n1,2\n' },
      'e.csv',
      /at least one of the columns method, path/,
    ],
    ['a misspelt column', {}, { 'e.csv': 'path,bodi\n/,x\n' }, 'e.csv:2', /"bodi" \(did you mean 'body'\?\)/],
    ['a column twice', {}, { 'e.csv': 'path,path\n/,/\n' }, 'e.csv:1', /has the column "path" twice/],
    [
      'too many fields',
      {},
      { 'e.csv': 'path,body\n/a,x\n/b,x,y\n' },
      'e.csv:3',
      /has 3 fields, but the first line has 2/,
    ],
    ['an open quote', {}, { 'e.csv': 'path\n"/a\n' }, 'e.csv:2', /a quote that is not closed/],
    ['an invalid method', {}, { 'e.csv': 'path,method\n/,GET\n/,GO ON\n' }, 'e.csv:3.method', /an HTTP method/],
    ['an invalid weight of a file', {}, { 'e.csv': 'path,weight\n/,x\n' }, 'e.csv:2.weight', /a number above 0/],
    ['invalid headers of a file', {}, { 'e.csv': 'path,headers\n/,x\n' }, 'e.csv:2.headers', /a JSON object/],
    ['a line that is not JSON', {}, { 'e.jsonl': '{"path":"/"}\n{path}\n' }, 'e.jsonl:2', /is not JSON/],
    [
      'a line that is nested too deep',
      {},
      { 'f.jsonl': `{"path":"/","body":${'['.repeat(6000)}${']'.repeat(6000)}}\n` },
      'f.jsonl:1',
      /is nested 6001 levels deep; the limit is 100/,
    ],
    ['a line that is not an object', {}, { 'e.jsonl': '{"path":"/"}\n7\n' }, 'e.jsonl:2', /must be an object/],
    ['a reserved class', {}, { 'e.jsonl': '{"class":"queueing"}\n' }, 'e.jsonl:1.class', /must have a different name/],
  ])('refuses %s', async (_, http, content, path, message) => {
    let requests = {}
    if (typeof content === 'object') {
      const [[name, text]] = Object.entries(content) as [[string, string]]
      requests = { requests: await file(name, text) }
    }
    const error = await run({ ...http, ...requests } as never).then(
      () => null,
      (thrown: unknown) => thrown as ValidationError,
    )
    expect(error).toBeInstanceOf(ValidationError)
    expect(error?.path.replace(`${folder}/`, '')).toBe(path)
    expect(error?.message).toMatch(message)
    expect(server.received).toEqual([])
  })
})

describe('a stored result', () => {
  it('keeps requests without their secrets, long lists and data by hash, and files by path', async () => {
    const secret = {
      requests: [
        {
          path: '/a?token=SECRET1&page=2',
          headers: { authorization: 'SECRET2', accept: 'x' },
          body: { password: 'SECRET3' },
        },
        { url: `${server.url.replace('//', '//u:SECRET4@')}/b` },
        { url: server.url.replace('http://', '//u:SECRET6@') },
        { path: server.url.replace('http://', '//u:SECRET7@') },
      ],
      data: [{ id: 1, token: 'SECRET5' }],
    }
    const result = await run(secret, 2)
    expect(JSON.stringify(result)).not.toMatch(/SECRET\d/)
    expect(result.scenario?.http?.requests).toMatchObject([
      { path: '/a?token=__redacted__&page=2', headers: { authorization: '[redacted]', accept: 'x' } },
      {},
      { url: server.url.replace('http://', 'http://__redacted__:__redacted__@').concat('/') },
      { path: server.url.replace('http://', 'http://__redacted__:__redacted__@').concat('/') },
    ])
    expect(result.scenario?.http?.data).toMatchObject({ count: 1 })
    const again = (http: unknown) =>
      measure({ ...result.scenario, stop: { requests: 1 }, http } as never).then(
        () => '',
        (error: Error) => error.message,
      )
    expect(await again(result.scenario?.http)).toMatch(/http.data: is only a hash/)
    expect(await again({ ...result.scenario?.http, data: undefined })).toMatch(/http.requests: contains a secret/)
    const long = await run({ requests: Array.from({ length: 101 }, (_, i) => ({ path: `/${i}` })) }, 2)
    expect(long.scenario?.http?.requests).toMatchObject({ count: 101 })
  })

  it('keeps the path of a file and what was in it, so that runs with different files are reported', async () => {
    const path = await file('kept.csv', 'path,headers.x-token\n/a,first\n/b,second\n')
    const first = await run({ requests: path }, 2)
    const stored = { file: path, count: 2, hash: expect.stringMatching(/^[0-9a-f]{16}$/) }
    expect(first.scenario?.http?.requests).toEqual(stored)
    expect(checkResult(JSON.parse(JSON.stringify(first))).scenario?.http?.requests).toEqual(stored)
    expect(renderResult(first)).toMatch(/requests from\s+\S*kept\.csv/)
    // a stored scenario reads its file again
    const again = await measure(first.scenario as never)
    expect(again.scenario?.http?.requests).toEqual(first.scenario?.http?.requests)
    const findings = (head: Result) => compareResults(first, head).findings.map(({ message }) => message)
    const differ = 'the scenarios differ in the requests that they send: http.requests, order or data'
    expect(findings(again)).not.toContain(differ)
    await file('kept.csv', 'path,headers.x-token\n/a,other\n/b,secrets\n')
    expect(findings(await run({ requests: path }, 2))).not.toContain(differ)
    await file('kept.csv', 'path,headers.x-token\n/a,first\n/c,second\n')
    expect(findings(await run({ requests: path }, 2))).toContain(differ)
    const data = await file('kept.jsonl', '{"id":1}\n')
    const filled = await run({ requests: [{ path: '/{id}' }], data }, 2)
    expect(filled.scenario?.http?.data).toMatchObject({ file: data, count: 1 })
  })
})

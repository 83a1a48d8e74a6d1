import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBatch } from '../../src/measure/queue/batch.js'
import { createEventReader } from '../../src/measure/servers/http/events.js'
import { httpTarget } from '../../src/measure/servers/http-target.js'
import { type BatchOutcome, InFlightBatch, SERVED } from '../../src/measure/servers/in-flight-batch.js'
import { failureKind } from '../../src/result/failures.js'
import { checkSendable, storeHttp } from '../../src/scenario/http/secrets.js'
import { type HttpEventFilter, type HttpTarget, httpSchema, type ResolvedHttp } from '../../src/scenario/http.js'
import { seeded } from '../support/reference/small-scenarios.js'

const bytes = (text: string) => new TextEncoder().encode(text)

/** The events of a body that arrives in these pieces. */
function eventsIn(type: string, pieces: readonly Uint8Array[]): { type: string; data: string }[] {
  const reader = createEventReader(type)
  return [...pieces.flatMap((piece) => [...reader.read(piece)]), ...reader.end()]
}

/** A body of one, two or three pieces. */
const cuts = (body: Uint8Array) =>
  fc
    .tuple(fc.nat({ max: body.length }), fc.nat({ max: body.length }))
    .map(([a, b]) => [
      body.slice(0, Math.min(a, b)),
      body.slice(Math.min(a, b), Math.max(a, b)),
      body.slice(Math.max(a, b)),
    ])

describe('events of a body', () => {
  it.each([
    ['ends of lines', 'data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n', ['a', 'b', 'c', 'd']],
    ['several lines of data', 'data: a\ndata: b\ndata\ndata:  c\n\n', ['a\nb\n\n c']],
    ['comments, other fields and no data', ': ping\n\nid: 7\nretry: 10\n\nevent: x\n\ndata\n\ndata: a\n\n', ['a']],
    ['a type, for one event', 'event: token\ndata: a\n\ndata: b\n\n', ['token a', 'b']],
    ['data with colons', 'data:{"a": "b: c"}\n\n', ['{"a": "b: c"}']],
    ['an event that the end cuts off', 'data: a\n\ndata: b\n', ['a']],
    ['a byte order mark and characters of several bytes', '\ufeffdata: ä€😀\n\n', ['ä€😀']],
  ])('of an event stream: %s, however it is cut', (_, body, expected) => {
    const read = (pieces: readonly Uint8Array[]) =>
      eventsIn('text/event-stream; charset=utf-8', pieces).map(({ type, data }) =>
        type === 'message' ? data : `${type} ${data}`,
      )
    expect(read([bytes(body)])).toEqual(expected)
    expect(read([...bytes(body)].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
    fc.assert(
      fc.property(cuts(bytes(body)), (pieces) => {
        expect(read(pieces)).toEqual(expected)
      }),
      seeded(50),
    )
  })

  it.each(['application/x-ndjson', 'application/jsonl; charset=utf-8', 'Application/JSON-Lines'])(
    'of %s are its lines, the last one too',
    (type) => {
      const pieces = [bytes('{"a":1}\r'), bytes('\n\n  \n{"b"'), bytes(':2}\n{"c":3}')]
      expect(eventsIn(type, pieces)).toEqual(['{"a":1}', '{"b":2}', '{"c":3}'].map((data) => ({ type: 'line', data })))
    },
  )

  it('of anything else are its pieces', () => {
    expect(eventsIn('', [bytes('one'), bytes('two\n\n')])).toEqual([
      { type: 'chunk', data: 'one' },
      { type: 'chunk', data: 'two\n\n' },
    ])
  })
})

type Arrival = [atMs: number, piece: string]

/** What is recorded of a response whose pieces arrive at known times. */
async function respond(
  arrivals: readonly Arrival[],
  {
    type = 'text/event-stream',
    status = 200,
    headers = {},
    ends = true,
    ...http
  }: Partial<HttpTarget> & { type?: string; status?: number; headers?: Record<string, string>; ends?: boolean },
) {
  let now = 0
  let handler: Partial<
    Record<`on${'Connect' | 'Headers' | 'Data' | 'Complete' | 'Error'}`, (...given: unknown[]) => void>
  > = {}
  const dispatcher = {
    dispatch: (_: never, given: never) => {
      handler = given
      return true
    },
  }
  const resolved = httpSchema.parse({ url: 'http://127.0.0.1/', stream: true, ...http, dispatcher }) as ResolvedHttp
  const target = await httpTarget(resolved, {
    ...{ source: null, shard: null, name: 'test', signal: undefined },
    window: { startNs: 0, endNs: Number.POSITIVE_INFINITY },
    clock: () => now,
  })
  const batch = createBatch(new Float64Array(1))
  batch.size = 1
  const outcomes: BatchOutcome[] = []
  const inFlight = new InFlightBatch(
    0,
    batch,
    (_, given) => outcomes.push(typeof given === 'function' ? given() : given),
    () => now,
  )
  inFlight.payload = target.payload(inFlight)
  target.serve(inFlight)
  handler.onConnect?.(() => {})
  handler.onHeaders?.(status, { 'content-type': type, ...headers })
  for (const [atMs, piece] of arrivals) {
    now = atMs
    handler.onData?.(bytes(piece))
  }
  if (ends) handler.onComplete?.()
  else handler.onError?.(Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }))
  const [outcome] = outcomes
  return {
    times: batch.hasFirst ? [batch.firstNs[0], ...(batch.laterNs[0] ?? [])] : [],
    failure: outcome === SERVED ? null : failureKind((outcome as { error: unknown }).error),
  }
}

describe('the events of a response', () => {
  const tokens: Arrival[] = [
    [10, 'data: {"role"'],
    [20, ':"x"}\n\n'],
    [35, 'data: {"token":"a"}\n\ndata: {"token":"b"}\n\ndata: {"tok'],
    [40, 'en":"c"}\n\n: ping\n\n'],
    [55, 'data: [DONE]\n\n'],
  ]

  it('come when the last of their bytes do, without the one that ends a stream of tokens', async () => {
    expect(await respond(tokens, {})).toEqual({ times: [20, 35, 35, 40], failure: null })
  })

  it('are those that a function accepts, the first of which is the beginning', async () => {
    const stream: HttpEventFilter = ({ data }) => data !== '[DONE]' && JSON.parse(data).token
    expect(await respond(tokens, { stream })).toEqual({ times: [35, 35, 40], failure: null })
    expect(await respond(tokens, { stream: () => false })).toEqual({ times: [], failure: null })
  })

  it('are pieces of a body of another type, and the last line of JSON lines ends with the body', async () => {
    const pieces: Arrival[] = [
      [5, '{"a":1}\n{"b"'],
      [7, ''],
      [9, ':2}'],
    ]
    expect((await respond(pieces, { type: 'text/plain' })).times).toEqual([5, 9])
    expect((await respond(pieces, { type: 'application/x-ndjson' })).times).toEqual([5, 9])
  })

  it('are not those of a failure, whose status is its kind', async () => {
    const stream: HttpEventFilter = () => {
      throw new Error('not called')
    }
    expect(await respond([[5, 'data: a\n\n']], { status: 500, stream })).toEqual({ times: [], failure: 'status 500' })
  })

  it('have no gap if there is one alone', async () => {
    expect(await respond([[5, 'data: a\n\n']], {})).toEqual({ times: [5], failure: null })
  })

  it.each<[what: string, given: Parameters<typeof respond>[1], kind: string]>([
    [
      'a function that throws',
      {
        stream: () => {
          throw new Error('no token')
        },
      },
      'stream: no token',
    ],
    // JSON.parse quotes the response, which may hold secrets
    ['invalid JSON', { stream: ({ data }) => JSON.parse(data) }, 'stream: SyntaxError'],
    [
      'a promise',
      { stream: () => Promise.reject(new Error('later')) },
      'stream: http.stream must not be async, but it returned a promise',
    ],
    ['compression', { headers: { 'content-encoding': 'gzip' } }, 'stream: compressed by gzip'],
    ['an end in the middle', { ends: false }, 'incomplete response'],
  ])('make the request fail by %s', async (_, given, kind) => {
    expect(
      (
        await respond(
          [
            [5, 'data: [DONE]\n\n'],
            [6, 'data: a\n\n'],
          ],
          given,
        )
      ).failure,
    ).toBe(kind)
  })

  it('are read if the response says in any case that it is not compressed', async () => {
    expect(await respond(tokens, { headers: { 'content-encoding': 'Identity' } })).toMatchObject({ failure: null })
  })
})

describe('http.stream', () => {
  const url = 'http://127.0.0.1/'
  const parse = (stream: unknown) => httpSchema.safeParse({ url, stream })

  it('is true or a function, and absent if it is false', () => {
    expect((parse(true).data as ResolvedHttp).stream).toBe(true)
    expect(parse(false).data).not.toHaveProperty('stream')
    const messages = (stream: unknown) => parse(stream).error?.issues.map(({ message }) => message)
    expect(messages('events')).toEqual(['must be true, or a function (event) => whether it counts'])
    expect(messages(async () => true)).toEqual([
      'must not be async: it is called for each event, and its return value is needed at once',
    ])
  })

  it('is stored by name if it is a function, which cannot run again', () => {
    const isToken: HttpEventFilter = () => true
    const stored = storeHttp(parse(isToken).data as ResolvedHttp)
    expect(stored.stream).toEqual({ function: 'isToken', rerunnable: false })
    expect(storeHttp(parse(true).data as ResolvedHttp).stream).toBe(true)
    expect(() => checkSendable(parse(stored.stream).data as ResolvedHttp)).toThrow(
      'http.stream: is only a name (isToken)',
    )
  })
})

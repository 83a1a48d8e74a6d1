import { describe, expect, it } from 'vitest'
import { storeHttp } from '../../src/scenario/http/secrets.js'
import { type HttpTarget, httpSchema } from '../../src/scenario/http.js'
import { resolveScenario } from '../../src/scenario/scenario.js'

const kept = (target: HttpTarget) => storeHttp(httpSchema.parse(target))
const url = 'http://127.0.0.1/p'

describe('a stored HTTP target', () => {
  it('has no secret in any field', () => {
    const http = kept({
      url: 'http://u:S0@a.example/p?code=S1&pwd=S2&jwt=S3&page=2#access_token=S4',
      headers: { 'Ocp-Apim-Subscription-Key': 'S5', 'x-functions-key': 'S6', 'x-jwt': 'S7', accept: 'text/plain' },
      body: { password: 'S8', apiKey: 'S9', user: { privateKey: 'S10', name: 'Ann' }, list: [{ token: 'S11', n: 1 }] },
    } as HttpTarget)
    expect(JSON.stringify(http)).not.toMatch(/S\d/)
    expect(http.url).toContain('page=2')
    expect(http.headers).toMatchObject({ accept: 'text/plain' })
    expect(http.body).toEqual({
      password: '[redacted]',
      apiKey: '[redacted]',
      user: { privateKey: '[redacted]', name: 'Ann' },
      list: [{ token: '[redacted]', n: 1 }],
    })
  })

  it.each([
    ['JSON as text', '{"password":"S1","n":[1]}', '{"password":"[redacted]","n":[1]}'],
    ['a form', 'client_secret=S1&n=1', 'client_secret=__redacted__&n=1'],
    ['JSON without a secret, as it is', '{ "n": 1 }', '{ "n": 1 }'],
    ['other text, as it is', 'no secret: a=b', 'no secret: a=b'],
  ])('redacts the body %s', (_, body, shown) => expect(kept({ url, body }).body).toBe(shown))

  it.each([
    ['//u:S1@{host}/p', 'http://__redacted__:__redacted__@{host}/p'],
    ['//u:S1@{host}:{port}/p', '//__redacted__@{host}:{port}/p'],
    ['\\\\u:S1@a.example/p', 'http://__redacted__:__redacted__@a.example/p'],
    ['/@me/p?a=@b', '/@me/p?a=@b'],
  ])('stores the URL %s of a request as %s', (given, shown) => {
    expect(kept({ url: 'http://u:S2@127.0.0.1/p', requests: [{ url: given }] }).requests).toEqual([{ url: shown }])
  })

  it('stores values that only look like secrets', () => {
    const body = { statusCode: 1, keyboard: 2, monkeys: 3, nested: [null, { tokenless: null }] }
    expect(kept({ url, body }).body).toEqual(body)
  })

  it.each([
    [{ password: 'S1' }, 'http.body: contains a secret'],
    ['{"password":"S1"}', 'http.body: contains a secret'],
    ['client_secret=S1', 'http.body: contains a secret'],
  ])('is refused without its secrets: %j', (body, message) => {
    const http = kept({ url, body }) as HttpTarget
    expect(() => resolveScenario({ arrivals: 1, http }, 'measure')).toThrow(message)
  })
})

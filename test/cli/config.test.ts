import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { SCENARIOS, throughline } from '../support/processes/command-line.js'
import { startServer } from '../support/processes/http-server.js'

const root = mkdtempSync(join(tmpdir(), 'throughline-'))
const inner = join(root, 'a', 'b')
mkdirSync(inner, { recursive: true })
afterEach(() => process.chdir(SCENARIOS))
afterAll(() => rmSync(root, { recursive: true }))
const config = (name: string, text: string | object) =>
  writeFileSync(join(root, name), typeof text === 'string' ? text : JSON.stringify(text))

const scenario = { arrivals: '100/s', service: '5ms', stop: { requests: 2000 }, handler: './h.js' }
const scenarioOf = async (...args: string[]) => JSON.parse((await throughline(...args, '--json')).stdout).scenario

// these tests change the working directory of the process, and so run one after another
describe('throughline.config', () => {
  it('is found in a parent folder, and gives the scenario and defaults of options', async () => {
    config('throughline.config.json', {
      scenario,
      simulate: { servers: 2, maxBatchSize: null },
      sweep: { vary: { servers: [1, 3] } },
    })
    process.chdir(inner)
    expect(await scenarioOf('simulate')).toMatchObject({
      servers: 2,
      batching: { maxBatchSize: null },
      handler: join(root, 'h.js'),
    })
    expect(await scenarioOf('simulate', '--servers', '4')).toMatchObject({ servers: 4 })
    const points = JSON.parse((await throughline('sweep', '--json')).stdout)
    expect(points.map(({ servers }: { servers: number }) => servers)).toEqual([1, 3])
  })

  it.each(['requests', 'data'])('finds the %s of its HTTP target from its own folder', async (name) => {
    const http = { url: 'http://127.0.0.1:1/', [name]: './gone.csv' }
    config('throughline.config.json', { scenario: { arrivals: '100/s', stop: { requests: 10 }, http } })
    process.chdir(inner)
    const { code, stderr } = await throughline('measure')
    expect(code).toBe(2)
    expect(stderr).toContain(`${join(root, 'gone.csv')}: does not exist`)
  })

  it.each([{ requests: './gone.csv' }, { body: '@./gone.csv' }, { body: '@gone.csv', requests: 5 }])(
    'finds the file of %j from its own folder',
    async (defaults) => {
      const http = { url: 'http://127.0.0.1:1/' }
      config('throughline.config.json', { scenario: { arrivals: '100/s', http }, measure: defaults })
      process.chdir(inner)
      const { code, stderr } = await throughline('measure', '--warmup', '0')
      expect(code).toBe(2)
      expect(stderr).toContain(`${join(root, 'gone.csv')}: does not exist`)
    },
  )

  it('gives a file of requests, with a duration from the command line', async () => {
    config('throughline.config.json', {
      scenario: { arrivals: '100/s', http: { url: 'http://127.0.0.1:1/' } },
      measure: { requests: 'gone.csv' },
    })
    process.chdir(inner)
    const { stderr } = await throughline('measure', '--duration', '100ms')
    expect(stderr).toContain(`${join(root, 'gone.csv')}: does not exist`)
  })

  it('gives a number of requests as a text, or a body', async () => {
    const server = await startServer((_, response) => void response.end())
    config('throughline.config.json', {
      scenario: { arrivals: '1000/s', http: { url: server.url } },
      measure: { requests: '5', body: 'gone.csv' },
    })
    process.chdir(inner)
    const { http, stop } = await scenarioOf('measure', '--warmup', '0')
    await server.close()
    expect({ body: http.body, stop }).toEqual({ body: 'gone.csv', stop: { requests: 5 } })
  })

  it('may give defaults that this run does not use', async () => {
    const server = await startServer((_, response) => void response.end())
    config('throughline.config.json', {
      scenario: { arrivals: '1000/s', http: { url: server.url } },
      measure: { redis: 'redis://127.0.0.1:1', onInconclusive: 'pass' },
    })
    process.chdir(inner)
    const { code } = await throughline('measure', '--requests', '5', '--warmup', '0')
    await server.close()
    expect(code).toBe(0)
  })

  it('yields to a conflicting flag', async () => {
    config('throughline.config.json', { scenario, simulate: { arrivals: '9/s', requests: 50 } })
    process.chdir(inner)
    const made = await scenarioOf('simulate', '--clients', '3', '--duration', '2s')
    expect(made).toMatchObject({ arrivals: { process: 'closed', clients: 3 }, stop: { duration: 2000 } })
  })

  it('is named on stderr if used', async () => {
    config('throughline.config.json', { scenario })
    process.chdir(inner)
    const { stderr } = await throughline('simulate')
    expect(stderr).toBe(`throughline: using defaults from ${join(root, 'throughline.config.json')}\n`)
  })

  it('is not searched above the root of a repository', async () => {
    config('throughline.config.json', { scenario })
    mkdirSync(join(root, 'a', '.git'))
    process.chdir(inner)
    const { code, stderr } = await throughline('simulate')
    rmSync(join(root, 'a', '.git'), { recursive: true })
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/^throughline: --arrivals: /) })
  })

  it.runIf(process.getuid?.() === 0)(
    'of another user is ignored, unless given by --config or the folder is theirs',
    async () => {
      config('throughline.config.json', { scenario })
      const path = join(root, 'throughline.config.json')
      chownSync(path, 12345, 12345)
      process.chdir(inner)
      const { code, stderr } = await throughline('simulate')
      expect(code).toBe(2)
      expect(stderr).toContain(`ignoring ${path}, which belongs to another user; use --config`)
      expect(await throughline('simulate', '--config', path)).toMatchObject({ code: 0 })
      chownSync(inner, 12345, 12345)
      expect(await throughline('simulate')).toMatchObject({ code: 0 })
      chownSync(inner, 0, 0)
      chownSync(path, 0, 0)
    },
  )

  it('may be a module, named by --config', async () => {
    config(
      'other.config.ts',
      `const servers: number = 7\nexport default { scenario: ${JSON.stringify(scenario)}, simulate: { servers } }\n`,
    )
    expect(await scenarioOf('simulate', '--config', join(root, 'other.config.ts'))).toMatchObject({ servers: 7 })
  })

  it.each<[string, string | object, RegExp]>([
    ['that is cut short', '{ "scenario": ', /throughline\.config\.json: is not JSON/],
    ['of a list', '[]', /throughline\.config\.json: must be an object/],
    ['with an unknown command', { simulat: {} }, /: simulat: is not a command \(did you mean 'simulate'\?\)/],
    [
      'with an unknown option',
      { simulate: { servres: 2 } },
      /: simulate\.servres: is not an option of simulate \(did you mean 'servers'\?\)/,
    ],
    ['with options of another type', { simulate: 5 }, /: simulate: must be an object/],
    ['with an invalid scenario', { scenario: 'fast' }, /: scenario: must be an object/],
    [
      'with a flag that is not a boolean',
      { simulate: { json: 'yes' } },
      /config\.json: simulate\.json: must be true or false, got "yes"/,
    ],
    [
      'with a value of another type',
      { simulate: { servers: true } },
      /config\.json: simulate\.servers: must be a number or a string, as for --servers, got true/,
    ],
    [
      'with an invalid value in a list',
      { simulate: { maxWait: ['5ms', {}] } },
      /: simulate\.maxWait: must be a number or a string/,
    ],
    [
      'with an unknown name',
      { simulate: { process: 'steady' } },
      /: simulate\.process: must be 'poisson' or 'constant', got "steady"/,
    ],
    [
      'with an invalid value',
      { scenario, simulate: { servers: 'two' } },
      /^throughline: servers: .* got "two" \(.*config\.json: simulate\.servers\)$/m,
    ],
  ])('%s is reported in one line', async (_, text, message) => {
    config('throughline.config.json', text)
    process.chdir(inner)
    const { code, stdout, stderr } = await throughline('simulate')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(
      stderr
        .replace(/^throughline: using defaults from .*\n/, '')
        .trim()
        .split('\n'),
    ).toHaveLength(1)
  })

  it.each<[string, object, string]>([
    ['sweep', { cache: 5 }, ': sweep.cache: must be a path, relative to the config, got 5'],
    [
      'sweep',
      { vary: { servers: 3 } },
      ': sweep.vary: must be an object of fields and lists of values, such as { servers: [1, 2] }',
    ],
    ['sweep', { measure: 1 }, ': sweep.measure: must be true or false, got 1'],
    ['compare', { of: 'p42' }, ": compare.of: must be 'mean' or 'p50' or"],
  ])('reports values of another type for %s: %j', async (command, defaults, message) => {
    config('throughline.config.json', { [command]: defaults })
    process.chdir(inner)
    const files = command === 'compare' ? ['a.json', 'b.json'] : []
    const { code, stderr } = await throughline(command, ...files)
    expect(stderr).toContain(`throughline.config.json${message}`)
    expect(code).toBe(2)
  })

  it.each([
    ['throws', 'throw new Error("no database")', /throws\.mjs: cannot be loaded: no database/],
    ['has-none', 'export const a = 1', /has-none\.mjs: has no default export/],
  ])('a module that %s is reported in one line', async (name, text, message) => {
    config(`${name}.mjs`, text)
    const { code, stderr } = await throughline('simulate', '--config', join(root, `${name}.mjs`))
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

import { exec } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { atLength } from '../support/at-length.js'
import { interrupted, MAIN, SCENARIOS, spawned, throughline } from '../support/processes/command-line.js'

const COMMANDS = 'simulate measure sweep replicate capacity calibrate agents check compare report'.split(' ')

// runs concurrently: no test depends on timing
describe.concurrent('throughline', () => {
  it.each(COMMANDS)('%s --help ends with an example', async (command) => {
    const { stdout, stderr, code } = await throughline(command, '--help')
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toMatch(new RegExp(`Examples:\\n {2}\\$ throughline ${command} `))
  })

  it('prints its version', async () => {
    expect(await spawned('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })

  it('lists its commands if none is given', async () => {
    const { stderr, code } = await throughline()
    expect(code).toBe(2)
    expect(stderr).toContain('Usage: throughline')
  })
})

describe.concurrent('bad usage', () => {
  it.each([
    ['an unknown flag', 'simulate --servres 2', /unknown option '--servres'\n\(Did you mean --servers\?\)/],
    ['the beginning of an option', 'simulate --max-batch 8', /'--max-batch'\n\(Did you mean --max-batch-size\?\)/],
    ['an option of other commands', 'simulate --url=http://127.0.0.1', /'--url=.*\n\(It is an option of: measure, /],
    ['the option of another tool', 'measure -d 10s', /unknown option '-d'\n\(Use --duration\)\n$/],
    ['a percentile that is part of a budget', 'tune --p95 10ms', /unknown option '--p95'\n\(Use --budget p99=100ms\)/],
    ['an unknown command', 'simulat', /unknown command 'simulat'/],
    ['the name of a function', 'headroom x.json', /unknown command 'headroom'\n\(Use capacity --budget\)\n$/],
    [
      'a number with a letter',
      'simulate --service 1ms --arrivals 1/s --requests 10k',
      /--requests: must be a whole number, such as 10000, or with --url a file of requests, got '10k'/,
    ],
    [
      'a length without a unit',
      'simulate trade-off.json --duration 10',
      /--duration: must have a unit, such as 10s or 10ms, got '10'/,
    ],
    [
      'a stage without a unit',
      'simulate --service 1ms --stages 5:0,9:10',
      /--stages: the duration of '9:10' must have a unit, such as 10s/,
    ],
    ['no batch', 'simulate trade-off.json --max-batch-size 0', /got 0; 'none' means no limit, the default is 1/],
    [
      'an option that is given twice',
      'simulate trade-off.json --servers 2 --seed 1 --servers 3',
      /^throughline: --servers: is given twice, the last time as '3'; give it once/,
    ],
    ['no arrivals', 'simulate --service 1ms', /--arrivals: is required: a rate such as 800\/s/],
    ['no service', 'simulate --arrivals 1/s', /--service: is required: how long a batch takes, such as 10ms/],
    [
      'a wait without a size',
      'simulate --arrivals 1/s --max-wait 5ms',
      /--max-batch-size: is required with --max-wait/,
    ],
    ['clients that think', 'simulate --service 1 --think-time 5', /--clients: is required with --think-time/],
    ['an unknown time of good', 'simulate trade-off.json --good p99=1', /^throughline: --good: 'p99' is not an option/],
    [
      'a beginning of responses in a simulation',
      'simulate trade-off.json --good first=10ms',
      /^throughline: --good: first: cannot be simulated: only a measurement knows/,
    ],
    [
      'gaps between events that are not found',
      'measure --url http://127.0.0.1:1 --arrivals 1/s --budget between.p99=5ms',
      /^throughline: --budget: between\.p99: needs http\.stream, which finds the events/,
    ],
    [
      'a budget of rates',
      'check trade-off.json --budget errorRate=1',
      /--budget: errorRate: must say whether 1 is '1%'/,
    ],
    ['an invalid rate', 'simulate --service 1ms --arrivals fast', /^throughline: --arrivals: .* got "fast"/],
    ['a time in parsecs', 'simulate --arrivals 1/s --service 5parsecs', /^throughline: --service: .* got "5parsecs"/],
    [
      'a batch size of 1.5',
      'simulate trade-off.json --max-batch-size 1.5',
      /^throughline: --max-batch-size: .* got 1\.5/,
    ],
    [
      'flags that exclude one another',
      'simulate --service 1ms --base 1ms',
      /'--service <duration>' cannot be used with/,
    ],
    ['a file that is missing', 'simulate nowhere.json', /nowhere\.json: does not exist/],
    ['a module that is missing', 'simulate nowhere.ts', /nowhere\.ts: there is no such file/],
    ['a module without a default export', 'simulate no-default.js', /no-default\.js: has no default export/],
    ['a file that is not JSON', 'simulate ../usage.test.ts.json', /does not exist/],
    ['nothing to sweep', 'sweep trade-off.json', /sweep: has no field to vary/],
    [
      'a point that cannot be run',
      'sweep trade-off.json --max-batch-size 1,0',
      /^throughline: --max-batch-size: .* got 0/,
    ],
    ['an unknown field', 'sweep trade-off.json --vary servres=1,2', /servres: .*did you mean 'servers'\?/],
    ['a field without values', 'sweep trade-off.json --vary servers', /It must be a field and its values/],
    [
      'a field that is given twice',
      'sweep trade-off.json --servers 1,2 --vary servers=3',
      /has two lists for 'servers'/,
    ],
    ['a check without a budget', 'check trade-off.json', /--budget: is required/],
    ['a check of no result', 'check trade-off.json --budget trade-off.json', /trade-off\.json: must be a result/],
    ['a Redis without agents', 'measure http.json --redis redis://localhost', /--redis: applies to --agents only/],
    [
      'threads and agents',
      'replicate trade-off.json --threads 2 --redis redis://localhost',
      /--redis <url>.* cannot be used/,
    ],
    [
      'an invalid URL of a Redis',
      'sweep trade-off.json --vary servers=1,2 --redis nowhere',
      /^throughline: --redis: must be the URL/,
    ],
    ['an invalid URL of a Redis for an agent', 'agent --redis nowhere', /^throughline: --redis: must be the URL/],
    [
      'a password with special characters, without showing it',
      'agent --redis redis://:pass#word@host:6379',
      /^throughline: --redis: is not a valid URL; check its host and port, and encode .* such as # as %23\n$/,
    ],
    [
      'agents to measure loads',
      'capacity --url http://localhost --p99 1 --redis redis://localhost',
      /--redis: applies to sim/,
    ],
    [
      'an agent without threads',
      'agent --redis redis://localhost --threads 0',
      /--threads: must be a whole number from 1/,
    ],
    [
      'a treatment of verdicts without a budget',
      'measure http.json --on-inconclusive pass',
      /--on-inconclusive: applies to --budget only/,
    ],
    ['no handler', 'measure --arrivals 100/s', /--handler: is required: the module of a batch handler; or use --url/],
    ['a handler that is missing', 'measure --arrivals 100/s --handler gone.js', /gone\.js: there is no such file/],
    [
      'a handler that throws in setup',
      'measure --arrivals 100/s --handler throws-in-setup.js',
      /the model file is missing/,
    ],
  ])('%s is reported in one line, with exit code 2', async (_, line, message) => {
    // threads that are terminated while loading may crash the process
    const run = line.includes('throws-in-setup') ? spawned : throughline
    const { code, stdout, stderr } = await run(...line.split(' '))
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^throughline: /)
    expect(stderr).not.toMatch(/^ +at /m)
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('prints the stack of an error with --debug', { tags: 'full' }, async () => {
    const flags = ['--arrivals', '100/s', '--handler', 'throws-in-setup.js', '--debug']
    const { code, stderr } = await spawned('measure', ...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^ +at .*throws-in-setup\.js/m)
  })
})

describe.concurrent('the end', () => {
  it('is silent if the reader closes the pipe', async () => {
    const command = `${process.execPath} ${MAIN} sweep trade-off.json --servers 1,2,3,4 --json | head -1`
    const { stdout, stderr } = await promisify(exec)(command, { cwd: SCENARIOS })
    expect(stdout).toBe('[\n')
    // a slow machine may print progress
    expect(stderr.replace(/^\d+ % .*\n/gm, '')).toBe('')
  })

  const commands = ['simulate', 'sweep --servers 1,2']
  it.each(commands.slice(0, atLength(commands.length)))(
    'is early on Ctrl-C in the middle of: %s',
    { tags: 'at-length' },
    async (command) => {
      const flags = 'trade-off.json --requests 30000000 --warmup 0 --json'.split(' ')
      const { code, stdout, stderr } = await interrupted(...command.split(' '), ...flags)
      expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
      const read = JSON.parse(stdout)
      const { validity } = Array.isArray(read) ? read[0].result : read
      expect(validity.findings).toContainEqual(expect.objectContaining({ code: 'interrupted' }))
    },
  )

  it('comes early on Ctrl-C during replications, with the complete ones', async () => {
    const flags = 'trade-off.json --requests 20000 --replications 1000 --threads 1 --json'.split(' ')
    const { code, stdout, stderr } = await interrupted('replicate', ...flags)
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    const { validity, replications } = JSON.parse(stdout)
    expect(validity.findings).toContainEqual(expect.objectContaining({ code: 'interrupted', severity: 'warning' }))
    expect(replications).toBeLessThan(1000)
  })

  it('comes early on Ctrl-C during a comparison, with the complete pairs', async () => {
    const flags = 'trade-off.json trade-off.json --requests 20000 --rounds 1000'.split(' ')
    const { code, stdout, stderr } = await interrupted('compare', ...flags)
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    expect(stdout).toMatch(
      /from \d+ pairs\n[\s\S]* interrupted: the comparison was interrupted after \d+ of 1000\s+pairs/,
    )
  })

  it.each([
    ['ends the process', 'ends-the-process.js', 'a loaded module ended the process'],
    ['waits for what never comes', 'never-loads.js', 'a loaded module awaits a promise that never settles'],
  ])('is reported if a module %s', async (_, file, why) => {
    const ended = await spawned('simulate', file)
    const stderr = `throughline: exited early: ${why}\n`
    expect(ended).toEqual({ code: 2, signal: null, stdout: '', stderr })
  })

  it('is without a report where nothing was run yet', async () => {
    const ended = await interrupted('simulate', 'trade-off.json', '--requests', '100000000')
    expect(ended).toEqual({ code: 130, signal: null, stdout: '', stderr: 'throughline: interrupted\n' })
  })
})

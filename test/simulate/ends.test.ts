import { execFile } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/*
 * Scenarios in which time might not advance. A simulation that never ends would block this test too, so
 * each runs in a process of its own, which is stopped after a while.
 */

const simulator = new URL('../../dist/simulate/simulate.js', import.meta.url).href

/** The error of a simulation, run in a process of its own. */
function thrownBy(scenario: object): Promise<string> {
  const program = `
    const { simulate } = await import(${JSON.stringify(simulator)})
    try {
      simulate(${JSON.stringify(scenario)})
      console.log('ran')
    } catch (error) {
      console.log(error.name + ': ' + error.message)
    }`
  const args = ['--input-type=module', '-e', program]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 50_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      resolve(error?.killed ? 'it never ended' : stdout + stderr)
    })
  })
}

describe.concurrent('a simulation ends', { timeout: 60_000 }, () => {
  it('if its warm-up by requests does not end before its stop by time', async () => {
    const thrown = await thrownBy({ arrivals: '1/s', service: 1, stop: { duration: '2s' }, warmup: { requests: 1000 } })
    expect(thrown).toMatch(/^ValidationError: no request due in the window completed/)
  })

  it('if clients that do not think are rejected and send again at once', async () => {
    const thrown = await thrownBy({
      arrivals: { process: 'closed', clients: 2, thinkTime: 0 },
      service: 10,
      queue: { capacity: 0 },
      stop: { duration: '1s' },
    })
    expect(thrown).toMatch(/^ValidationError: .*thinkTime/)
  })

  it('if clients that do not think are served in no time', async () => {
    const thrown = await thrownBy({
      arrivals: { process: 'closed', clients: 1, thinkTime: 0 },
      service: 0,
      stop: { duration: '1s' },
    })
    expect(thrown).toMatch(/^ValidationError: .*thinkTime/)
  })
})

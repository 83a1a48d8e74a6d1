import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'

/*
 * Scenarios in which time might not advance. A simulation that never ends would block this test too, so they run on a
 * thread, which is stopped after a while.
 */

const simulator = new URL('../../dist/simulate/simulate.js', import.meta.url).href
const PATIENCE_MS = 20_000

/** Runs the simulations one after another on a thread, and returns the error of each. */
function errorsOf(scenarios: Record<string, object>): Promise<Map<string, string>> {
  const program = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(${JSON.stringify(simulator)}).then(({ simulate }) => {
      for (const [name, scenario] of Object.entries(workerData)) {
        let said = 'ran'
        try {
          simulate(scenario)
        } catch (error) {
          said = error.name + ': ' + error.message
        }
        parentPort.postMessage([name, said])
      }
    })`
  const errors = new Map<string, string>()
  return new Promise((resolve, reject) => {
    const thread = new Worker(program, { eval: true, workerData: scenarios })
    const timer = setTimeout(() => thread.terminate(), PATIENCE_MS)
    thread.on('message', ([name, said]) => errors.set(name, said))
    thread.on('error', reject)
    thread.on('exit', () => {
      clearTimeout(timer)
      resolve(errors)
    })
  })
}

const noThinking = { process: 'closed', thinkTime: 0 }
const errors = errorsOf({
  warmup: { arrivals: '1/s', service: 1, stop: { duration: '2s' }, warmup: { requests: 1000 } },
  rejected: {
    arrivals: { ...noThinking, clients: 2 },
    service: 10,
    queue: { capacity: 0 },
    stop: { duration: '1s' },
  },
  inNoTime: { arrivals: { ...noThinking, clients: 1 }, service: 0, stop: { duration: '1s' } },
})

describe('a simulation ends', () => {
  it('if its warm-up by requests does not end before its stop by time', async () => {
    expect((await errors).get('warmup')).toMatch(/^ValidationError: no request due in the window completed/)
  })

  it('if clients that do not think are rejected and send again at once', async () => {
    expect((await errors).get('rejected')).toMatch(/^ValidationError: .*thinkTime/)
  })

  it('if clients that do not think are served in no time', async () => {
    expect((await errors).get('inNoTime')).toMatch(/^ValidationError: .*thinkTime/)
  })
})

import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { constant } from '../../src/scenario/arrivals/arrivals.js'
import { startServer } from '../support/processes/http-server.js'

/** `bench/speed/connections.ts` allows 10,000. */
const CONNECTIONS = 2000

it('keeps thousands of connections open, with a request in flight on each', async () => {
  // a process of its own: both ends of a connection take a file
  const server = fork(fileURLToPath(new URL('./handlers/holding-server.js', import.meta.url)), [String(CONNECTIONS)])
  try {
    const [port] = await once(server, 'message')
    const result = await measure(
      {
        arrivals: constant('1000/s'),
        stop: { requests: CONNECTIONS },
        warmup: { requests: 0 },
        http: { url: `http://127.0.0.1:${port}`, connections: CONNECTIONS },
      },
      { batchTimeout: '60s' },
    )
    // no request was answered before the server held all of them
    expect(result.counts).toMatchObject({ offered: CONNECTIONS, completed: CONNECTIONS })
    expect(result.connections).toMatchObject({ opened: CONNECTIONS, failed: 0 })
    expect(result.latencyMs.min).toBeGreaterThan(0)
  } finally {
    server.kill()
  }
})

it.skipIf(process.platform !== 'linux')('says what to raise if this process may have no more files open', async () => {
  const slow = await startServer((_, response) => setTimeout(() => response.end('ok'), 1000))
  const script = fileURLToPath(new URL('./handlers/few-files.js', import.meta.url))
  const run = async (...args: string[]) => {
    const command = ['ulimit -n 400 && exec "$@"', 'sh', process.execPath, script, slow.url, ...args]
    return JSON.parse((await promisify(execFile)('sh', ['-c', ...command])).stdout)
  }
  try {
    expect(await run()).toEqual({
      failures: { EMFILE: expect.any(Number) },
      finding: expect.stringMatching(
        /connections could not be opened.*its limit of 400 open files and sockets \(EMFILE\); raise/,
      ),
      failure: expect.stringMatching(/EMFILE.*raise its hard limit/),
    })
    const { error } = await run('390')
    expect(error).toMatch(
      /^http.connections: must be at most 336, got 390, because this process can open at most 400 files.*raise its hard/,
    )
  } finally {
    await slow.close()
  }
})

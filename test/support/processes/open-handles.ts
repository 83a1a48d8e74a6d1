import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type MeasureOptions, measure, type Scenario } from 'throughline'

// run by a test: prints how each run ended and which resources are left; nothing may keep the process alive

const run = (handler: string, options = {}, scenario = {}) =>
  measure(
    {
      arrivals: '1000/s',
      stop: { requests: 50 },
      handler: new URL(`../../measure/handlers/${handler}`, import.meta.url),
      ...scenario,
    },
    options,
  )
const inProcess = (target: object, options = {}) =>
  measure({ arrivals: '1000/s', stop: { requests: 50 }, ...target } as Scenario, options)
const outcome = (result: Promise<unknown>) =>
  result.then(
    () => 'ok',
    (error: Error) => error.name,
  )
const resources = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => !/PIPE|Pipe|TTY|FS/i.test(name))
    .sort()

/** Options that abort a run after its first request. */
function abortedUnderWay(): MeasureOptions {
  const controller = new AbortController()
  return { signal: controller.signal, onProgress: ({ sent }) => sent > 0 && controller.abort() }
}

async function main() {
  const before = resources()
  console.log(await outcome(run('numbers.js')))
  const loop = {
    arrivals: { process: 'closed', clients: 5, thinkTime: 1 },
    queue: { capacity: 2, timeout: 3 },
    handler: new URL('../../measure/handlers/delay.js', import.meta.url),
  } as const
  console.log(await outcome(measure({ ...loop, stop: { requests: 200 } })))
  console.log(await outcome(measure({ ...loop, stop: { duration: '60s' } }, abortedUnderWay())))
  console.log(await outcome(run('throws-in-setup.js')))
  console.log(await outcome(run('hangs.js', { ...abortedUnderWay(), batchTimeout: '60s' })))
  console.log(await outcome(run('blocks.js', { batchTimeout: '50ms' })))
  console.log(await outcome(run('exits.js')))
  for (const death of ['exit', 'block']) {
    process.env.THROUGHLINE_TEST_DEATH = death
    console.log(await outcome(run('dies.js', { batchTimeout: '50ms' }, { servers: 2, stop: { requests: 300 } })))
  }
  console.log(await outcome(inProcess({ call: () => 1 })))
  console.log(await outcome(inProcess({ handler: (batch: number[]) => batch })))
  console.log(await outcome(inProcess({ call: () => new Promise(() => {}) }, { batchTimeout: '50ms' })))
  console.log(await outcome(inProcess({ call: () => new Promise(() => {}) }, abortedUnderWay())))
  const server = createServer((_, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  console.log(await outcome(inProcess({ http: { url } })))
  await new Promise((resolve) => server.close(resolve))
  console.log(await outcome(inProcess({ http: { url } })))
  const left = resources()
  for (const each of before) if (left.includes(each)) left.splice(left.indexOf(each), 1)
  console.log(`left: ${left.join() || 'none'}`)
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
